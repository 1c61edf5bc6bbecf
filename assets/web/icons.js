// The icons: 16 px grid, 1.5 px stroke, round caps, in the colour of the text around them. `svg.i` in the style sheet sets the stroke.

const PATHS = {
  play: '<path d="M5 3.5v9l7-4.5z" fill="currentColor"/>',
  pause: '<path d="M5.5 3.5v9M10.5 3.5v9"/>',
  stepb: '<path d="M11 4l-5 4 5 4zM4.5 4v8"/>',
  stepf: '<path d="M5 4l5 4-5 4zM11.5 4v8"/>',
  fork: '<circle cx="4" cy="8" r="1.6"/><circle cx="12" cy="4" r="1.6"/><circle cx="12" cy="12" r="1.6"/><path d="M5.5 8c3 0 2.5-4 5-4M5.5 8c3 0 2.5 4 5 4"/>',
  reset: '<path d="M3.5 8a4.5 4.5 0 1 0 1.5-3.4M3.2 3v2.6h2.6"/>',
  down: '<path d="M4 6l4 4 4-4"/>',
  right: '<path d="M6 4l4 4-4 4"/>',
  full: '<path d="M3 6V3h3M13 6V3h-3M3 10v3h3M13 10v3h-3"/>',
  help: '<circle cx="8" cy="8" r="5.5"/><path d="M6.4 6.4a1.7 1.7 0 1 1 2.3 1.7c-.5.2-.7.5-.7 1M8 11.2v.1"/>',
  theme: '<circle cx="8" cy="8" r="5.5"/><path d="M8 2.5a5.5 5.5 0 0 1 0 11z" fill="currentColor"/>',
  share: '<path d="M8 9.5V2.5M5.5 5L8 2.5 10.5 5M4 8v5h8V8"/>',
  lecture: '<rect x="2" y="2.5" width="12" height="8" rx="1"/><path d="M8 10.5v3M5.5 13.5h5"/>',
  key: '<rect x="2" y="4.5" width="12" height="7" rx="1.2"/><path d="M4.5 7h.1M7 7h.1M9.5 7h.1M12 7h0M5 9.3h6"/>',
  flag: '<path d="M4 13.5V3M4 3.5h7.5L10 6l1.5 2.5H4"/>',
  code: '<path d="M6 4.5L2.5 8 6 11.5M10 4.5L13.5 8 10 11.5"/>',
  save: '<path d="M8 2.5v7M5.5 7L8 9.5 10.5 7M3 13h10"/>',
  more: '<path d="M4 8h.1M8 8h.1M12 8h.1" stroke-width="2"/>',
  warn: '<path d="M8 2.8L14 13H2zM8 6.8v2.7M8 11.3v.1"/>',
  pen: '<path d="M3 13l.7-2.9L11 2.8l2.2 2.2-7.3 7.3z"/>',
  seed: '<path d="M8 13V8M8 8c0-3-2-4.5-4.5-4.5C3.5 6.5 5 8 8 8zM8 9c0-2.5 1.8-3.8 4.2-3.8C12.2 7.8 11 9 8 9z"/>',
  off: '<path d="M2.5 2.5l11 11M4.5 9a5 5 0 0 1 1.7-1M11.5 9a5 5 0 0 0-2-1.2M2.5 6.8A8 8 0 0 1 5 5.3M13.5 6.8a8 8 0 0 0-5-2.1M8 12h.1"/>',
  cpu: '<rect x="4.5" y="4.5" width="7" height="7" rx="1"/><path d="M6.5 2.5v2M9.5 2.5v2M6.5 11.5v2M9.5 11.5v2M2.5 6.5h2M2.5 9.5h2M11.5 6.5h2M11.5 9.5h2"/>',
  check: '<path d="M3.5 8.5l3 3 6-7"/>',
  x: '<path d="M4 4l8 8M12 4l-8 8"/>',
  clock: '<circle cx="8" cy="8" r="5.5"/><path d="M8 5v3.2l2 1.3"/>',
};

/** Markup of an icon, hidden from screen readers: the button around it carries the label. @param {string} name @param {number} size px */
export function icon(name, size = 16) {
  if (!(name in PATHS)) throw new Error(`no icon is called ${name}`);
  return `<svg class="i" viewBox="0 0 16 16" width="${size}" height="${size}" style="width:${size}px;height:${size}px" aria-hidden="true">${PATHS[name]}</svg>`;
}

/** All names, for the page that shows them. */
export const iconNames = Object.keys(PATHS);
