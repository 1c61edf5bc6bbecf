// Ten hues for ten classes, in both schemes. They only help the eye: the class itself is always written.
const LIGHT = ["#1f6fd1", "#a03602", "#0b6b57", "#72761c", "#6f2690", "#a8133f", "#0f7c99", "#5a7a12", "#4a515b", "#8a5a2b"];
const DARK = ["#8fb2ff", "#f08a55", "#4ce0bc", "#ddbe1e", "#b57ae5", "#ff86a0", "#7fd1e8", "#c9d36a", "#b6bdc7", "#e7b48b"];

/** @param {number} index of a class @param {boolean} dark */
export const hue = (index, dark) => (dark ? DARK : LIGHT)[index % LIGHT.length];
