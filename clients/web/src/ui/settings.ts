/** The two switches that every page has: language and colours. */

import { button, h } from "./dom.ts";
import { icon } from "./icons.ts";
import { language, setLanguage, setTheme, type Theme, theme } from "./preferences.ts";
import { texts } from "./texts.ts";

const NEXT_THEME: Readonly<Record<Theme, Theme>> = { system: "light", light: "dark", dark: "system" };

/** `changed` is called after a new language: the page draws itself anew. */
export function settingButtons(changed: () => void): HTMLElement[] {
  const other = h(
    "button",
    {
      class: "quiet",
      attrs: {
        type: "button",
        "aria-label": texts().settings.language,
        title: texts().settings.language,
        lang: language() === "ko" ? "en" : "ko",
      },
      on: {
        click: () => {
          setLanguage(language() === "ko" ? "en" : "ko");
          changed();
        },
      },
    },
    language() === "ko" ? "EN" : "한국어",
  );
  const colours = button(texts().settings.theme[theme()], icon("theme"), "quiet square", () => {
    setTheme(NEXT_THEME[theme()]);
    const label = texts().settings.theme[theme()];
    colours.title = label;
    colours.setAttribute("aria-label", label);
  });
  return [other, colours];
}

/** Mark and name. */
export function brand(): HTMLElement {
  const mark = h("img", {
    class: "mark",
    attrs: { src: new URL("./mark.svg", import.meta.url).href, alt: "", width: "32", height: "32" },
  });
  return h("span", { class: "brand" }, mark, h("span", { class: "brand-name" }, texts().product));
}
