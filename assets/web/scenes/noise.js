export const title = "Noise space";
export const create = () => ({ update() {} });
