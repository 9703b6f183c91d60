/** Names this device the way a person would, such as `Safari · iPad`. Shown on the device that lost the desktop to it. */

export interface Browser {
  readonly userAgent: string;
  readonly maxTouchPoints: number;
}

/** The first pattern that matches wins: each browser also names the browsers that it imitates. */
const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/Edg(e|A|iOS)?\//, "Edge"],
  [/SamsungBrowser\//, "Samsung Internet"],
  [/Whale\//, "Whale"],
  [/OPR\//, "Opera"],
  [/Firefox\/|FxiOS\//, "Firefox"],
  [/Chrome\/|CriOS\/|Chromium\//, "Chrome"],
  [/Safari\//, "Safari"],
];
/** The first pattern that matches wins. */
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
  const firstMatch = (list: readonly (readonly [RegExp, string])[]): string | undefined =>
    list.find(([pattern]) => pattern.test(browser.userAgent))?.[1];
  const system = firstMatch(SYSTEMS);
  // An iPad claims to be a Mac; no Mac has a touch screen.
  const device = system === "Mac" && browser.maxTouchPoints > 1 ? "iPad" : system;
  return [firstMatch(BROWSERS), device].filter((part) => part !== undefined).join(" · ");
}
