/** What a person would call the device, for the one that the desktop left: `Safari · iPad`. */

export interface Browser {
  readonly userAgent: string;
  readonly maxTouchPoints: number;
}

/** The first that fits: each browser also names those it wants to be taken for. */
const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/Edg(e|A|iOS)?\//, "Edge"],
  [/SamsungBrowser\//, "Samsung Internet"],
  [/Whale\//, "Whale"],
  [/OPR\//, "Opera"],
  [/Firefox\/|FxiOS\//, "Firefox"],
  [/Chrome\/|CriOS\/|Chromium\//, "Chrome"],
  [/Safari\//, "Safari"],
];
const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/iPad/, "iPad"],
  [/iPhone/, "iPhone"],
  [/Android/, "Android"],
  [/Windows/, "Windows"],
  [/CrOS/, "ChromeOS"],
  [/Macintosh/, "Mac"],
  [/Linux/, "Linux"],
];

export function deviceName(browser: Browser): string {
  const find = (list: readonly (readonly [RegExp, string])[]): string | undefined =>
    list.find(([pattern]) => pattern.test(browser.userAgent))?.[1];
  const system = find(SYSTEMS);
  // An iPad says that it is a Mac; no Mac has a touch screen.
  const named = system === "Mac" && browser.maxTouchPoints > 1 ? "iPad" : system;
  return [find(BROWSERS), named].filter((part) => part !== undefined).join(" · ");
}
