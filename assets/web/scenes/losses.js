export const title = "Losses";
export const create = () => ({ update() {} });
