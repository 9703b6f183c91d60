/** All messages in English; `messages_ko.ts` has the same messages in Korean. */

import type { ClipboardNotice } from "../clipboard/page_clipboard.ts";
import type { LockReason, ProxyFault } from "../gateway/gateway_client.ts";
import type { EndReason } from "../protocol/close_action.ts";
import type { NoticeCode, SilentPart } from "../protocol/generated/wire_facts.ts";
import { englishApiMessages } from "./api_messages.ts";
import { englishBadgeReaderMessages } from "./badge_reader/texts.ts";
import { englishDeviceMessages } from "./device/texts.ts";
import { englishEmergencyMessages } from "./emergency/texts.ts";
import type { Message, MessageGroup } from "./message.ts";
import { englishSecondFactorMessages } from "./second_factor/messages.ts";

export const englishMessages = {
  api: englishApiMessages,
  secondFactor: englishSecondFactorMessages,
  device: englishDeviceMessages,
  badgeReader: englishBadgeReaderMessages,
  emergency: englishEmergencyMessages,
  signIn: {
    missing: {
      what: "You are not signed in yet.",
      why: "The username or the password is missing.",
      next: "Enter both.",
    },
    wrongPassword: {
      what: "You are not signed in.",
      why: "The username or the password is wrong.",
      next: "Check both and try again.",
    },
    tooMany: (s: number) => ({
      what: "You are not signed in.",
      why: "Too many attempts have failed.",
      next: `Try again in ${s} s.`,
    }),
    unreachable: {
      what: "The server cannot be reached.",
      why: "It is switched off, or the network between it and this device is interrupted.",
      next: "Check your network connection and try again.",
    },
    server: (status: number) => ({
      what: "The server could not process the request.",
      why: `It reports a fault of its own (error ${status}).`,
      next: "Try again, or tell your administrator.",
    }),
    expired: {
      what: "You were signed out.",
      why: "Your sign-in expired, or it was ended in another window.",
      next: "Sign in again to continue.",
    },
    stillSignedIn: {
      what: "You are still signed in.",
      why: "The server cannot be reached, so it has not confirmed that you signed out.",
      next: "This page shows nothing of yours and goes on trying. Check the network connection, and stay until it is confirmed.",
    },
  },
  downtime: {
    directoryAway: {
      what: "The directory of your organisation does not answer.",
      why: "Only local accounts can sign in or unlock a screen. Open desktops go on.",
      next: "Do not lock a screen that you need.",
    },
    cached: (hours: number) => ({
      what: "The directory of your organisation does not answer.",
      why: `Local accounts, and people who signed in here within the last ${hours} h, can sign in or unlock a screen. Open desktops go on.`,
      next: "Use the password of that time: a newer one does not work here yet.",
    }),
  },
  lock: {
    warning: {
      what: "This screen will be locked.",
      why: "Nobody has used keyboard, mouse or touch for some time.",
      next: "Press a key, move the mouse or touch the screen to go on.",
    },
    reasons: {
      idle: {
        what: "This screen is locked.",
        why: "Nobody used it for some time. Your desktops keep running.",
        next: "Enter your password to go on.",
      },
      moved: {
        what: "This screen is locked.",
        why: "Your desktop was opened on another device, where your programs keep running.",
        next: "Enter your password to go on here.",
      },
      person: {
        what: "This screen is locked.",
        why: "You locked it. Your desktops keep running.",
        next: "Enter your password to go on.",
      },
      badge: {
        what: "This screen is locked.",
        why: "Somebody else held a badge to the reader. Your desktops keep running.",
        next: "Hold your badge to the reader, or enter your password, to go on.",
      },
      emergency: {
        what: "This screen is locked.",
        why: "Your emergency access to the desktop is over. Its programs keep running for a while.",
        next: "Enter your password to go on. If you still need the desktop, state a reason again.",
      },
    } satisfies Record<LockReason, Message>,
    missing: {
      what: "The screen is still locked.",
      why: "The password is missing.",
      next: "Enter it.",
    },
    wrongPassword: {
      what: "The screen is still locked.",
      why: "The password is wrong.",
      next: "Check it and try again, or sign out.",
    },
    tooMany: (s: number) => ({
      what: "The screen is still locked.",
      why: "Too many attempts have failed.",
      next: `Try again in ${s} s.`,
    }),
    unreachable: {
      what: "The screen is still locked.",
      why: "The server cannot be reached.",
      next: "Check your network connection and try again.",
    },
  },
  /** After signing out: `why` says what was closed, and what keeps running. */
  signedOut: {
    running: (desktops: string) => ({
      what: "You have signed out.",
      why: `This device shows no desktop any more. Still running, with your programs: ${desktops}.`,
      next: "Sign in again, here or on another device, to continue there.",
    }),
    ended: (desktops: string, running: string) => ({
      what: "You have signed out.",
      why:
        `Closed, with the files on it: ${desktops}.` +
        (running === "" ? "" : ` Still running, with your programs: ${running}.`),
      next: "Sign in again to open a new one.",
    }),
    atProvider: (title: string) => ({
      what: "You have signed out here.",
      why: `You are still signed in at ${title}, which could not be asked to sign you out.`,
      next: "Sign out there as well, or close all windows of this browser.",
    }),
    nothingRunning: {
      what: "You have signed out.",
      why: "This device shows no desktop any more, and none of your desktops is running.",
      next: "Sign in again to open one.",
    },
    unknown: {
      what: "You have signed out.",
      why: "This device shows no desktop any more. Desktops that ran before keep running, with your programs.",
      next: "Sign in again, here or on another device, to continue there.",
    },
  },
  noDesktop: {
    what: "There is no desktop for you yet",
    why: "No desktop is assigned to you.",
    next: "Ask your administrator for access to one.",
  },
  notIsolated: {
    what: "Desktops are not isolated on this server.",
    why: "Programs can reach the files of the server and of other desktops.",
    next: "Use them for tests on your own computer; for patients’ data an administrator has to turn isolation on.",
  },
  notLoaded: {
    what: "This page could not be loaded.",
    why: "Its files did not arrive: the network is interrupted, or the server was updated.",
    next: "Reload the page.",
  },
  notFound: {
    what: "There is nothing at this address",
    why: "It may be mistyped, or what was here has moved.",
    next: "Check the address, or go to the list of desktops.",
  },
  fits: {
    what: "There is nothing to fit.",
    why: "The desktop has the size of this window already, so each of its pixels is one pixel of your display.",
    next: "For larger text, choose the text size under Monitors.",
  },
  reconnecting: {
    what: "The connection was lost – reconnecting",
    why: "The network is interrupted or the server does not answer; an older image is shown only for some seconds.",
    next: "You can wait: your desktop keeps running, even if the server restarts. Only a desktop that is not isolated ends with it.",
  },
  replaced: {
    what: "This is a new desktop.",
    why: "The one before has ended, and its programs with it.",
    next: "Open your programs and files again.",
  },
  /** A reverse proxy alters requests so that the server refuses them; by the code of the error. */
  proxy: {
    "proxy-host": (address: string) => ({
      what: "The server refused the request.",
      why: "A reverse proxy in front of it hides the address of this page.",
      next: `Your administrator can add in nginx: proxy_set_header Host $http_host; or in the configuration of Lightbox: public_url = "${address}"`,
    }),
    "proxy-http": () => ({
      what: "The server refused the request.",
      why: "This page was loaded over plain HTTP, where browsers show no desktops.",
      next: "Open its address with https://. If there is none, your administrator can add in nginx: listen 443 ssl;",
    }),
  } satisfies Record<ProxyFault, (address: string) => Message>,
  webSocketsBlocked: {
    what: "WebSockets do not get through to the server",
    why: "This page reaches the server, but a reverse proxy or a firewall in between lets no WebSocket pass.",
    next: 'Tell your administrator. In nginx these lines may be missing: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";',
  },
  silent: {
    what: "This desktop is not responding",
    why: "A part of it hangs: the image may be old, and what you do has no effect.",
    next: "Wait, or restart the display; programs go on running. If that does not help, restart the whole desktop.",
  },
  restartFailed: {
    what: "The display was not restarted.",
    why: "The server does not answer either.",
    next: "Check your network connection and try again.",
  },
  endDesktop: {
    programs: {
      what: "All programs of this desktop close, on every device that shows it.",
      why: "What you have not saved in them is lost. Saved files are kept.",
      next: "Restarting opens a new desktop. If a program still works, save your work first.",
    },
    fresh: {
      what: "All programs of this desktop close, on every device that shows it.",
      why: "What you have not saved in them is lost, and so are the files on this desktop.",
      next: "Restarting opens a fresh desktop. Copy what you still need elsewhere first.",
    },
    attached: {
      what: "This desktop disconnects on every device that shows it.",
      why: "It shows a display of the host, whose programs keep running.",
      next: "Restarting connects to that display again.",
    },
    failed: {
      what: "The desktop was not ended.",
      why: "The server did not answer.",
      next: "Check your network connection and try again.",
    },
    unattended: (time: string) => ({
      what: "Open on no device.",
      why: `Ends in ${time}, with all its programs.`,
      next: "Open it to keep it.",
    }),
  },
  silentParts: {
    supervisor: {
      what: "Nothing that fails is restarted at the moment.",
      why: "The supervisor of this desktop does not answer; the image is right.",
      next: "Go on working, and tell your administrator.",
    },
    "window-manager": {
      what: "Windows cannot be moved at the moment.",
      why: "The window manager does not answer; the image is right.",
      next: "Wait a moment; if it lasts, tell your administrator.",
    },
  } satisfies Record<Exclude<SilentPart, "x-server">, Message>,
  ended: {
    violation: {
      what: "The connection was closed",
      why: "The page and the server did not understand each other.",
      next: "Try again; if it happens again, tell your administrator.",
    },
    forbidden: {
      what: "This desktop is not yours",
      why: "It is not assigned to you, or there is none of this name.",
      next: "Choose one from the list of desktops, or ask your administrator for access.",
    },
    missing: {
      what: "This desktop has ended",
      why: "It was ended or failed, and its programs ended with it.",
      next: "Open it again from the list of desktops.",
    },
    moved: {
      what: "The desktop moved to another device",
      why: "It was opened there, and your programs keep running there.",
      next: "You can move it back to this device.",
    },
    monitor: {
      what: "This monitor no longer exists",
      why: "The desktop has fewer monitors now.",
      next: "You can show another one here.",
    },
    version: {
      what: "A newer version is installed",
      why: "This page is older than the server. Your desktop keeps running.",
      next: "Reload the page to continue.",
    },
    limit: {
      what: "Too many windows show your desktops",
      why: "The server shows the desktops of one person in a limited number of places. Your desktop keeps running.",
      next: "Close a window that shows a desktop, here or on another device, then try again.",
    },
    "signed-out": {
      what: "You were signed out",
      why: "Your sign-in expired, or it was ended in another window. Your desktop keeps running.",
      next: "Sign in again to continue.",
    },
    locked: {
      what: "This screen is locked",
      why: "Nobody used it for some time, or your desktop was opened on another device.",
      next: "Enter your password to go on.",
    },
    unsupported: {
      what: "This browser cannot show the desktop",
      why: "It lacks something that every desktop needs.",
      next: "Use a current version of Chrome, Edge, Firefox or Safari.",
    },
    left: {
      what: "You are disconnected",
      why: "The connection of this window was ended. Your desktop keeps running.",
      next: "You can connect again.",
    },
  } satisfies Record<EndReason, Message> as Readonly<Record<EndReason, Message>>,
  /** Messages to the person that the server sends on behalf of an administrator. */
  person: {
    fromAdministrator: (text: string) => ({
      what: "A message from your administrator:",
      why: `“${text}”`,
      next: "If you have questions, call your help desk.",
    }),
    accessEnds: (desktop: string, minutes: number) => ({
      what: `“${desktop}” will be closed in ${minutes} min.`,
      why: "You are no longer allowed to use this desktop.",
      next: "Save your work now. If you still need the desktop, ask your administrator.",
    }),
    desktopRenews: (desktop: string, minutes: number) => ({
      what: `“${desktop}” will be closed in ${minutes} min.`,
      why: "Your administrator has a newer version of this desktop.",
      next: "Save your work now. Afterwards, open the desktop again.",
    }),
    accessEndsAtSignOut: (desktop: string) => ({
      what: `You can use “${desktop}” until you sign out.`,
      why: "You are no longer allowed to use this desktop.",
      next: "Save your work before you sign out. If you still need the desktop, ask your administrator.",
    }),
    emergencyAccess: (desktop: string, minutes: number) => ({
      what: `Emergency access to “${desktop}” for ${minutes} more min`,
      why: "It is recorded with your reason.",
      next: "End it as soon as you no longer need it.",
    }),
    timeEnds: (desktop: string, minutes: number) => ({
      what: `“${desktop}” will be closed in ${minutes} min.`,
      why: "It reaches the longest time that your administrator allows.",
      next: "Save your work now. You can open the desktop again afterwards.",
    }),
  },
  /** Notices of the agent, by their code. The codes of a newer agent have the agent's English text. */
  notices: {
    "clipboard-denied": {
      what: "The content was not pasted.",
      why: "This desktop does not allow pasting from outside.",
      next: "An administrator can allow it for this desktop in the configuration: clipboard = { to_desktop = true }",
    },
    "input-failed": {
      what: "What you do has no effect at the moment.",
      why: "The desktop does not accept input.",
      next: "Wait a moment and try again; if it lasts, tell your administrator.",
    },
    "input-lost": {
      what: "What you did was dropped.",
      why: "The desktop did not answer in the meantime.",
      next: "Check the picture before you go on.",
    },
    "layout-refused": {
      what: "The monitors stay as they were.",
      why: "This arrangement is not possible here.",
      next: "Choose fewer or smaller monitors.",
    },
    "modifier-missing": {
      what: "Keys pressed with the modifier that you hold have no effect.",
      why: "The desktop’s keyboard layout has no key for it (Ctrl, Alt, Shift or Super).",
      next: "Use the menus of the program instead.",
    },
    "windows-gathered": {
      what: "Programs of another monitor were moved to this one.",
      why: "The window of their monitor was closed.",
      next: "Open that monitor’s window again from the monitors panel to move them back.",
    },
    "monitor-gone": {
      what: "This window shows no monitor any more.",
      why: "The monitor was removed from the desktop.",
      next: "Show another monitor here, or close the window.",
    },
  } satisfies Record<Exclude<NoticeCode, "message-waiting">, Message> as Readonly<Record<string, Message>>,
  clipboard: {
    denied: {
      what: "This content was refused, so nothing was pasted.",
      why: "This desktop does not accept such content from outside.",
      next: "An administrator can allow it for this desktop in the configuration: clipboard = { to_desktop = true, images = true }",
    },
    "too-large": {
      what: "The content was not transferred, so nothing was pasted.",
      why: "It is larger than the clipboard of this desktop may transfer.",
      next: "Copy a smaller part, or have an administrator raise clipboard.max_bytes in the configuration.",
    },
    unavailable: {
      what: "The clipboard of this device was not changed.",
      why: "The program on the desktop does not provide what it copied.",
      next: "Copy it again.",
    },
    empty: {
      what: "Nothing was sent.",
      why: "The clipboard of this device contains neither text nor an image.",
      next: "Copy something on this device first.",
    },
    sent: {
      what: "The content is on the desktop’s clipboard now.",
      why: "You sent it with the button.",
      next: "Paste it in a program of the desktop.",
    },
    blocked: {
      what: "Nothing was sent.",
      why: "The browser does not let this page read the clipboard.",
      next: "Allow it for this site, then try again.",
    },
    stays: {
      what: "What you copied stays on this desktop.",
      why: "This desktop lets nothing out to this device, because it may show data of patients.",
      next: "Paste it inside the desktop. An administrator can allow more in the configuration: clipboard = { from_desktop = true }",
    },
    unreadable: {
      what: "The clipboard of this device could not be read, so nothing was pasted.",
      why: "The browser gave no text or image of it.",
      next: "Copy again, or send it with the button in the bar. The menu of the program pastes what the desktop has.",
    },
  } satisfies Record<ClipboardNotice, Message>,
  relativeMouse: {
    what: "Turning or flying by moving the mouse does not work here.",
    why: "A program on the desktop moves the pointer back after every motion, which browsers cannot serve.",
    next: "Use the program’s keys or buttons.",
  },
  monitors: {
    plugged: {
      what: "The desktop has one more monitor.",
      why: "A display was added to this computer.",
      next: "Open the window of its monitor in the monitors panel.",
    },
    blocked: {
      what: "A window is missing.",
      why: "The browser blocked it.",
      next: "Allow pop-ups for this site, then try again.",
    },
    restored: {
      what: "The desktop has the size of this window again.",
      why: "A program on the desktop had set another resolution.",
      next: "To keep a resolution, choose it in the monitors panel.",
    },
    noDisplays: {
      what: "Your displays could not be used.",
      why: "The browser does not tell Lightbox about them.",
      next: "Allow window management for this site, then try again.",
    },
    tooLarge: (width: number, height: number) => ({
      what: "This is too large.",
      why: `The desktop can have up to ${width} × ${height} pixels.`,
      next: "Choose fewer or smaller monitors.",
    }),
  },
  check: {
    notStored: {
      what: "The result was not stored.",
      why: "The server did not accept it, or cannot be reached.",
      next: "Check your network connection and try again.",
    },
    failed: {
      what: "This display did not pass the check.",
      why: "Something was not seen, or the image was not exact at the time.",
      next: "Adjust the display or the light in the room, and check it again.",
    },
  },
} satisfies MessageGroup;

export type Messages = typeof englishMessages;
