/** The page that is shown instead of a desktop when the browser lacks something that every viewer needs. */

import { h } from "../dom.ts";
import type { Page } from "../page.ts";
import type { SignInReason } from "../sign_out.ts";
import { ConnectionNotice } from "./connection_notice.ts";
import { ConnectionStatus } from "./connection_status.ts";

export interface UnsupportedPageOptions {
  readonly desktop: string;
  readonly showDesktopList: () => void;
  readonly signedOut: (reason: SignInReason) => void;
}

/** `detail` names what is missing. */
export function unsupportedPage(options: UnsupportedPageOptions, detail: string): Page {
  const notice = new ConnectionNotice({
    reconnect: () => location.reload(),
    showDesktopList: options.showDesktopList,
    signIn: () => options.signedOut("expired"),
    showFirstMonitor: options.showDesktopList,
    restartDisplay: options.showDesktopList,
    endDesktop: options.showDesktopList,
  });
  const element = h("main", { class: "viewer" }, notice.element);
  const status = new ConnectionStatus(element, notice);
  return {
    element,
    title: options.desktop,
    shown: () => {
      status.start();
      status.show({ phase: "ended", reason: "unsupported", detail });
    },
    close: () => status.close(),
  };
}
