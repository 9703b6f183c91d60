/** The icons of the user interface. */

import { strokes } from "./dom.ts";

const PATHS = {
  fullscreen: ["M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5"],
  window: ["M9 4v5H4M15 4v5h5M9 20v-5H4M15 20v-5h5"],
  fit: ["M3 5h18v14H3z", "M7 12h10M9.5 9.500 7 12l2.500 2.500M14.500 9.500 17 12l-2.500 2.500"],
  actual: ["M3 5h18v14H3z", "M7.500 10 9 9v6M15 10l1.500-1v6M12.200 10.500v.01M12.200 13.500v.01"],
  keyboard: [
    "M2.500 6.500h19v11h-19z",
    "M6 10h.01M9 10h.01M12 10h.01M15 10h.01M18 10h.01M6 13.800h.01M18 13.800h.01M9 13.800h6",
  ],
  touch: [
    "M9 11.500V5.500a1.750 1.750 0 0 1 3.500 0v5.500l4.800 1c1.200.3 1.900 1.300 1.700 2.500l-.8 4.500H10.500l-4.500-5a1.600 1.600 0 0 1 2.300-2.300L9 12.500",
  ],
  mouseMiddle: ["M6.500 9.500a5.500 5.500 0 0 1 11 0v5a5.500 5.500 0 0 1-11 0z", "M12 7.500v4M11 8v3M13 8v3"],
  mouseRight: ["M6.500 9.500a5.500 5.500 0 0 1 11 0v5a5.500 5.500 0 0 1-11 0z", "M12 4v7h5.500M14 8v1M15.500 7.500V9"],
  trace: ["M4 20V13M9 20V8M14 20v-9M19 20V4"],
  theme: ["M12 4a8 8 0 1 0 8 8 6 6 0 0 1-8-8z"],
  desktops: ["M3.500 4.500h7v6h-7zM13.500 4.500h7v6h-7zM3.500 13.500h7v6h-7zM13.500 13.500h7v6h-7z"],
  signOut: ["M14 4H5v16h9M10 12h11M17.500 8.500 21 12l-3.500 3.500"],
  copied: ["M9 4h6v3H9z", "M9 5.500H5.500v15h13v-15H15", "M9 13.500l2.200 2.200L15.500 11"],
  paste: ["M9 4h6v3H9z", "M9 5.500H5.500v15h13v-15H15", "M12 10.500v6M9.300 14l2.700 2.700 2.700-2.700"],
  close: ["M6 6l12 12M18 6 6 18"],
  monitors: ["M2.500 5.500h10.500v8H2.500zM15.500 4h6v11h-6z", "M5.500 19h5M8 13.500V19M16 19h5M18.500 15v4"],
  split: ["M3 5h18v14H3zM12 5v14"],
  newWindow: ["M13 4h7v7M20 4l-9 9", "M17 14v5H5V7h5"],
  screen: ["M3 4.500h18v12H3zM9 20h6M12 16.500V20"],
  warning: ["M12 4 2.800 19.500h18.400z", "M12 10v4.500M12 17v.01"],
  exact: ["M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z", "M8 12.300l2.800 2.800L16 9.600"],
  refining: ["M12 3a9 9 0 1 1-9 9"],
  lossy: ["M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z", "M7.500 12c1.500-2 3-2 4.500 0s3 2 4.500 0"],
  scaled: ["M4 4h11v11H4z", "M19 9v11H8"],
  unverified: ["M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z", "M12 7.500v5.500M12 16.300v.01"],
  arrow: ["M5 12h14M13 6l6 6-6 6"],
  fingerScroll: ["M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z", "M12 6V2M12 22v-4M9.500 4.500 12 2l2.500 2.500M9.500 19.500 12 22l2.500-2.500"],
  fingerWindow: ["M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16z", "M12 4v16M15 4.800v14.400M18 7v10"],
  fingerPan: [
    "M12 3v18M3 12h18",
    "M9.500 5.500 12 3l2.500 2.500M9.500 18.500 12 21l2.500-2.500M5.500 9.500 3 12l2.500 2.500M18.500 9.500 21 12l-2.500 2.500",
  ],
  fingerPointer: ["M6 3.500v15l4-4 2.600 6 2.600-1.100-2.600-5.900H18z"],
  minus: ["M6 12h12"],
  plus: ["M12 6v12M6 12h12"],
} as const satisfies Record<string, readonly string[]>;

export type IconName = keyof typeof PATHS;

export function icon(name: IconName): SVGSVGElement {
  return strokes(...PATHS[name]);
}
