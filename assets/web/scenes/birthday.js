export const title = "Birthday test";
export const create = () => ({ update() {} });
