export const title = "32 seeds";
export const create = () => ({ update() {} });
