/** Buttons that lead to the providers at which a person can sign in, or unlock the screen. */

import type { Failure } from "../../gateway/gateway_client.ts";
import { beginAtProvider, type Provider } from "../../gateway/provider_client.ts";
import { h } from "../dom.ts";
import { texts } from "../texts.ts";
import { rememberPage } from "./return_path.ts";

/** Returns a button that leaves this page for the provider. `failed` is called when that is not possible. */
export function providerButton(
  provider: Provider,
  use: "signIn" | "unlock",
  failed: (failure: Failure) => void,
): HTMLButtonElement {
  const label = texts().provider[use](provider.title);
  const idle = (): void => {
    button.disabled = false;
    button.textContent = label;
  };
  const button = h(
    "button",
    {
      class: use === "unlock" ? "primary" : "secondary",
      attrs: { type: "button", "data-provider": provider.name },
      on: {
        click: () => {
          button.disabled = true;
          button.textContent = texts().provider.opening;
          void beginAtProvider(provider.name, use === "unlock").then((answer) => {
            if (answer.ok) {
              rememberPage(`${location.pathname}${location.search}`);
              // Whoever goes back finds this page as it was left.
              window.addEventListener("pageshow", idle, { once: true });
              location.assign(answer.value);
              return;
            }
            idle();
            failed(answer.failure);
          });
        },
      },
    },
    label,
  );
  return button;
}
