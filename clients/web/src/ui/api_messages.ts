/** A message for each code of the gateway's error responses, in English; `api_messages_ko.ts` has the Korean ones. */

import type { ApiErrorCode } from "../protocol/generated/wire_facts.ts";
import type { Message } from "./message.ts";

const AGAIN_OR_ADMINISTRATOR = "Try again. If it happens again, tell your administrator.";
const RELOAD = "Reload the page. If it happens again, tell your administrator.";

export const englishApiMessages = {
  "account-conflict": {
    what: "You are not signed in.",
    why: "Another account here has your username, so you cannot sign in this way.",
    next: "Ask your administrator; the log of the server says what can be done.",
  },
  "account-disabled": {
    what: "Your account was refused.",
    why: "Your password is right, but your account is disabled or its time is over.",
    next: "Ask the help desk of your organisation to enable it.",
  },
  "address-too-long": {
    what: "The server refused the request.",
    why: "Its address is too long.",
    next: "Open the list of desktops and begin there.",
  },
  "bad-request": {
    what: "The server did not understand the request.",
    why: "It arrived damaged or incomplete.",
    next: RELOAD,
  },
  "bad-token": {
    what: "The server refused the request.",
    why: "The token is wrong, or it has expired or was revoked.",
    next: "Create a new one: lightbox token create.",
  },
  "badge-locked": {
    what: "This badge is locked.",
    why: "The PIN was wrong too often.",
    next: "Sign in with your username and password, and ask the help desk to reset the PIN.",
  },
  "badge-not-here": {
    what: "Badges do not work here.",
    why: "Your administrator has not enrolled this device, or not for badges.",
    next: "Sign in with your username and password.",
  },
  "badge-unknown": {
    what: "This badge was not accepted.",
    why: "It is not known, or it was revoked.",
    next: "Sign in with your username and password, and ask the help desk about your badge.",
  },
  "break-glass-refused": {
    what: "The desktop was not opened.",
    why: "You may not take emergency access to it, or the reason is missing.",
    next: "State the reason in a sentence, or call the help desk.",
  },
  "broker-away": {
    what: "The server cannot look up accounts and desktops at the moment.",
    why: "A part of it is restarting. Desktops that are open keep running.",
    next: "Try again in a few seconds. If it happens again, tell your administrator.",
  },
  busy: {
    what: "You are not signed in yet.",
    why: "Too many people are signing in right now.",
    next: "Try again in a few seconds.",
  },
  "cross-site": {
    what: "The server refused the request.",
    why: "It did not come from a page of this server.",
    next: "Open the address of the server in a tab of its own and try again there.",
  },
  "desktop-ended": {
    what: "This desktop has ended.",
    why: "Its programs were closed, or the server was restarted.",
    next: "Open it again from the list of desktops.",
  },
  "desktop-ended-by-operator": {
    what: "Your administrator ended this desktop.",
    why: "Its programs were closed. Files that you saved are kept, unless this desktop starts fresh each time.",
    next: "Open it again from the list of desktops, or ask your administrator for the reason.",
  },
  "desktop-ended-by-you": {
    what: "You ended this desktop.",
    why: "You chose that here, in another window or on another device. Its programs were closed.",
    next: "Open it again from the list of desktops.",
  },
  "desktop-ended-not-entitled": {
    what: "This desktop was closed.",
    why: "You are no longer allowed to use it; files that you saved are kept.",
    next: "If you still need it, ask your administrator for access.",
  },
  "desktop-ended-signed-out": {
    what: "This desktop has ended.",
    why: "You signed out, and it is one that starts fresh each time.",
    next: "Open a new one from the list of desktops.",
  },
  "desktop-ended-time-limit": {
    what: "This desktop has ended.",
    why: "It has run for the longest time that your administrator allows. Files that you saved are kept, unless this desktop starts fresh each time.",
    next: "Open it again from the list of desktops.",
  },
  "desktop-ended-unattended": {
    what: "This desktop has ended.",
    why: "It was open on no device for too long, so its programs were closed.",
    next: "Open it again from the list of desktops.",
  },
  "desktop-failed": {
    what: "The desktop could not be started.",
    why: "A part of it failed or took too long.",
    next: "Try again. If it happens again, your administrator finds the reason in the log of the desktop.",
  },
  "device-name-taken": {
    what: "This device was not enrolled.",
    why: "Another device has this name already.",
    next: "Revoke that one, or make a new code with another name.",
  },
  "directory-away": {
    what: "Your password cannot be checked at the moment.",
    why: "The directory of your organisation does not answer.",
    next: "Try again in a minute. Desktops that are open go on.",
  },
  "enrolment-code-wrong": {
    what: "This device was not enrolled.",
    why: "The code is mistyped, was used before, or is too old.",
    next: "Check it, or ask your administrator for a new one.",
  },
  "factor-due": {
    what: "The second step is due.",
    why: "Your password was right.",
    next: "Enter the code of your app, or use your passkey.",
  },
  "factor-last": {
    what: "It was not removed.",
    why: "It is your only second step, and signing in from here takes one.",
    next: "Add another one first, then remove this one.",
  },
  "factor-outside": {
    what: "You are not signed in.",
    why: "From this network signing in takes a second step, and you have not set one up yet.",
    next: "Sign in once on the hospital’s own network, which leads you through it. Then you can sign in from here.",
  },
  "factor-unreadable": {
    what: "The server cannot check your second step at the moment.",
    why: "It cannot read what it stored of it.",
    next: "Tell your administrator, who finds the reason in the log.",
  },
  "factor-wrong": {
    what: "That was not accepted.",
    why: "The code or the passkey is not the right one, or it was used already.",
    next: "Try again with a new code, or choose another way.",
  },
  "head-too-large": {
    what: "The server refused the request.",
    why: "The browser sent too many or too large cookies along.",
    next: "Delete the cookies of this site, then sign in again.",
  },
  "inside-only": {
    what: "You are signed out here.",
    why: "You signed in on the hospital’s network without a second step, and from here it takes one.",
    next: "Sign in again.",
  },
  internal: {
    what: "The server could not process the request.",
    why: "An unexpected fault occurred in it.",
    next: AGAIN_OR_ADMINISTRATOR,
  },
  locked: {
    what: "The server refused the request.",
    why: "The screen of this browser is locked.",
    next: "Unlock it with your password.",
  },
  malformed: {
    what: "The server refused the request.",
    why: "The page sent something that the server does not accept; perhaps the server was updated.",
    next: RELOAD,
  },
  "network-not-allowed": {
    what: "You cannot work from here.",
    why: "Your administrator does not allow this from the network that you are in.",
    next: "Use a computer of the hospital, or ask your administrator.",
  },
  "no-authority": {
    what: "There is no certificate to install.",
    why: "This server uses a certificate of its operator.",
    next: "If your browser warns, tell your administrator.",
  },
  "no-desktop": {
    what: "This desktop is not yours.",
    why: "It is not assigned to you, or there is none of this name.",
    next: "Choose one from the list of desktops, or ask your administrator for access.",
  },
  "no-display": {
    what: "The display was not restarted.",
    why: "This desktop does not run.",
    next: "Open it again from the list of desktops.",
  },
  "no-metrics-token": {
    what: "The server refused the request.",
    why: "The metrics need the token of this server.",
    next: "Give the monitoring program the token; docs/metrics.md says where it is.",
  },
  "no-passkey": {
    what: "That is not possible here.",
    why: "Passkeys belong to the name of a server, and there is none of yours for this address.",
    next: "Open the server by its usual name, or choose another way.",
  },
  "no-provider": {
    what: "You are not signed in.",
    why: "There is no such sign-in service here, or you did not sign in there.",
    next: "Open the start page of this server and begin there.",
  },
  "no-role": {
    what: "You may not do that.",
    why: "You have no role for this part of the administration.",
    next: "Ask an administrator for the role.",
  },
  "no-websocket": {
    what: "The desktop could not be connected.",
    why: "The page asked for it at a wrong address; perhaps the server was updated.",
    next: RELOAD,
  },
  "not-found": {
    what: "There is nothing at this address.",
    why: "It may be mistyped, or what was here has moved.",
    next: "Check the address, or go to the list of desktops.",
  },
  "not-permitted": {
    what: "You may not do that here.",
    why: "Your role does not reach your own account, or that of an administrator.",
    next: "Ask another administrator to do it.",
  },
  "not-running": {
    what: "Nothing was ended.",
    why: "This desktop does not run.",
    next: "Open it from the list of desktops.",
  },
  "one-desktop": {
    what: "This desktop cannot be opened at the moment.",
    why: "You may have one desktop at a time, and another one of yours runs.",
    next: "End that one first, or go on working there.",
  },
  "one-person": {
    what: "This desktop cannot be opened at the moment.",
    why: "Desktops are not isolated on this server, so it serves one person at a time, and someone else has a desktop.",
    next: "Wait until that person has ended their desktops, or ask your administrator to turn isolation on.",
  },
  "password-of-directory": {
    what: "Your password was not changed.",
    why: "The directory of your organisation keeps it.",
    next: "Change it at a computer of your organisation; it is valid here at once.",
  },
  "other-device": {
    what: "You are not signed in here.",
    why: "This sign-in belongs to another device.",
    next: "Sign in again.",
  },
  "password-expired": {
    what: "Your account was refused.",
    why: "Your password has expired, or must be changed first.",
    next: "Change it at a computer of your organisation, or ask the help desk. Then sign in here again.",
  },
  "password-of-provider": {
    what: "The sign-in service of your organisation keeps your password.",
    why: "It is neither checked nor changed here.",
    next: "To prove that it is you, lock the screen and unlock it there, then try again within five minutes.",
  },
  "pin-wrong": {
    what: "You are not signed in yet.",
    why: "The PIN is wrong.",
    next: "Check it and try again.",
  },
  "pool-full": {
    what: "No desktop is free.",
    why: "All desktops of this kind are in use.",
    next: "Try again in a few minutes, or ask your administrator for more of them.",
  },
  "pool-maintenance": {
    what: "This desktop cannot be opened now.",
    why: "Your administrator is working on desktops of this kind.",
    next: "Choose another desktop, or try again later.",
  },
  "pool-released": {
    what: "This desktop cannot be opened yet.",
    why: "Your administrator took your desktop of this kind back, and its files are being deleted.",
    next: "Try again in a minute to get a new one, or ask your administrator.",
  },
  "pool-restrained": {
    what: "This desktop cannot be opened now.",
    why: "Desktops of this kind do not start at the moment. Your administrator has been told.",
    next: "Choose another desktop, or try again in a few minutes.",
  },
  "proof-due": {
    what: "Nothing was changed.",
    why: "A change of your sign-in needs your password once more.",
    next: "Enter your password, then try again.",
  },
  "provider-answer": {
    what: "You are not signed in.",
    why: "The answer of the sign-in service was not accepted.",
    next: "Begin to sign in again. If it happens again, tell your administrator.",
  },
  "provider-away": {
    what: "You cannot sign in with this service at the moment.",
    why: "It does not answer.",
    next: "Try again in a minute. Desktops that are open go on.",
  },
  "provider-denied": {
    what: "You are not signed in.",
    why: "The sign-in service did not let you in, or you stopped there.",
    next: "Try again, or ask the help desk of your organisation.",
  },
  "proxy-host": {
    what: "The server refused the request.",
    why: "A reverse proxy in front of it hides the address of this page.",
    next: "Tell your administrator: the log of the server names the missing line.",
  },
  "proxy-http": {
    what: "The server refused the request.",
    why: "The page was loaded over plain HTTP.",
    next: "Open its address with https://, or tell your administrator.",
  },
  "proxy-tls": {
    what: "The server refused the connection.",
    why: "The encryption of the browser, or of a reverse proxy, is outdated (older than TLS 1.3).",
    next: "Update the browser. If it is current, tell your administrator.",
  },
  "proxy-upgrade": {
    what: "The desktop could not be connected.",
    why: "A reverse proxy in front of the server does not pass WebSockets on.",
    next: "Tell your administrator: the log of the server names the missing lines.",
  },
  refused: {
    what: "Nothing was changed.",
    why: "What was asked for cannot be done as things are now.",
    next: "Reload the page, look at what is there now, and try again.",
  },
  "restart-not-allowed": {
    what: "The desktop was not ended.",
    why: "Your administrator does not let you end this desktop.",
    next: "Close the window to leave it as it is, or ask your administrator to end it.",
  },
  "sign-in-hours": {
    what: "Your account was refused.",
    why: "Your account may not sign in at this hour, or not from here.",
    next: "Ask the help desk of your organisation about the hours of your account.",
  },
  "sign-in-over": {
    what: "You are not signed in yet.",
    why: "The second step took too long, or failed too often.",
    next: "Enter your username and password again.",
  },
  "signed-out": {
    what: "You are not signed in.",
    why: "Your sign-in expired, or it was ended in another window.",
    next: "Sign in again.",
  },
  "slow-down": {
    what: "You are not signed in.",
    why: "Too many attempts have failed.",
    next: "Wait a minute, then try again.",
  },
  "step-up-due": {
    what: "Please prove that it is you.",
    why: "Administration takes your password and your second factor once more.",
    next: "Give both, then try again.",
  },
  "store-failed": {
    what: "The server cannot look up accounts and desktops at the moment.",
    why: "Its database or its disk has a fault. Desktops that are open keep running.",
    next: "Try again in a minute. If it happens again, tell your administrator.",
  },
  "too-large": {
    what: "The server refused the request.",
    why: "It is larger than the server accepts.",
    next: "Send less.",
  },
  "too-many-connections": {
    what: "The server refused the connection.",
    why: "Too many connections are open: yours, those from your address, or all of them together.",
    next: "Close windows that show a desktop and try again. If it happens again, tell your administrator.",
  },
  "too-slow": {
    what: "The server gave up waiting.",
    why: "The request did not arrive in time; the network may be overloaded.",
    next: "Check your network connection and try again.",
  },
  "unknown-host": {
    what: "The server refused the request.",
    why: "It does not know the name under which you opened it.",
    next: "Use another name of the server, or tell your administrator: `names` in the configuration lists the known ones.",
  },
  "weak-password": {
    what: "Your password is not changed.",
    why: "The new one is too short, too long or easily guessed: a common one, or made of common words, names, dates or neighbouring keys.",
    next: "Choose another one, for example four words that have nothing to do with each other.",
  },
  "weak-pin": {
    what: "You are not signed in yet.",
    why: "The new PIN is too short or easily guessed.",
    next: "Choose 4 to 12 digits, at least three of them different, and no sequence such as 1234.",
  },
  "wrong-credentials": {
    what: "You are not signed in.",
    why: "The username or the password is wrong.",
    next: "Check both and try again.",
  },
  "wrong-method": {
    what: "The server refused the request.",
    why: "The page used it in a way that the server does not know; perhaps the server was updated.",
    next: RELOAD,
  },
} satisfies Record<ApiErrorCode, Message>;
