/** The buttons that every page has, for language, colours and a Mac's keyboard, and the product's logo. */

import { button, h } from "./dom.ts";
import { icon } from "./icons.ts";
import { platformOf } from "./platform.ts";
import { language, optionIsAlt, setLanguage, setOptionIsAlt, setTheme, type Theme, theme } from "./preferences.ts";
import { texts } from "./texts.ts";

const NEXT_THEME: Readonly<Record<Theme, Theme>> = { system: "light", light: "dark", dark: "system" };

/** Creates the buttons. `onLanguageChanged` must redraw the page's texts. */
export function settingButtons(onLanguageChanged: () => void): HTMLElement[] {
  const languageButton = h(
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
          onLanguageChanged();
        },
      },
    },
    language() === "ko" ? "English" : "한국어",
  );
  const themeButton = button(texts().settings.theme[theme()], icon("theme"), "quiet square", () => {
    setTheme(NEXT_THEME[theme()]);
    const label = texts().settings.theme[theme()];
    themeButton.title = label;
    themeButton.setAttribute("aria-label", label);
  });
  themeButton.append(toolLabel(texts().settings.colours));
  const keyboard = platformOf(navigator.userAgent) === "mac" ? [optionButton()] : [];
  return [...keyboard, languageButton, themeButton];
}

/** Creates the visible name of a button, which the toolbar of a desktop shows below the icon. */
export function toolLabel(text: string): HTMLElement {
  return h("span", { class: "tool-label", attrs: { "aria-hidden": "true" } }, text);
}

/** Creates the button that chooses whether the left ⌥ acts as Alt or types characters, on Apple's keyboards. */
function optionButton(): HTMLElement {
  const element = h("button", {
    class: "quiet",
    attrs: { type: "button", "data-option": "" },
    on: {
      click: () => {
        setOptionIsAlt(!optionIsAlt());
        show();
      },
    },
  });
  const show = (): void => {
    const alt = optionIsAlt();
    element.textContent = alt ? "⌥ Alt" : "⌥ @";
    element.title = alt ? texts().settings.optionIsAlt : texts().settings.optionTypes;
    element.setAttribute("aria-label", element.title);
  };
  show();
  return element;
}

/** Creates the logo and the product's name. */
export function brand(): HTMLElement {
  const logo = h("img", {
    class: "logo",
    attrs: { src: new URL("./mark.svg", import.meta.url).href, alt: "", width: "32", height: "32" },
  });
  return h("span", { class: "brand" }, logo, h("span", { class: "brand-name" }, texts().product));
}
