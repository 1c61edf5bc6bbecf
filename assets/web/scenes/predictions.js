export const title = "Predictions";
export const create = () => ({ update() {} });
