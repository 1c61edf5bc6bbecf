export const title = "Nearest neighbours";
export const kinds = ["image"];
export const create = () => ({ update() {} });
