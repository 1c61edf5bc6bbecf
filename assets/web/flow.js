export const createFlow = () => ({ update() {}, play: () => Promise.resolve(), playing: false });
