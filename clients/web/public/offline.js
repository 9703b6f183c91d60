/** The page of the installed app while the server cannot be reached: opens the app again when it answers. */

/** Interval at which the server is asked, ms. */
const RETRY_MS = 3_000;
/** Answers of a reverse proxy whose server does not run begin here. */
const SERVER_ERROR = 500;

/** Returns the language that the person chose in the app, otherwise the browser's. */
function chosenLanguage() {
  let chosen = null;
  try {
    chosen = localStorage.getItem("lightbox.language");
  } catch {
    // Without storage there was no choice.
  }
  if (chosen === "ko" || chosen === "en") return chosen;
  return navigator.languages.some((tag) => tag.toLowerCase().startsWith("ko")) ? "ko" : "en";
}

/** The address that the person wanted to open; this page has an address of its own only if it is opened by it. */
const wanted = location.pathname.endsWith("/offline.html") ? new URL("./", location.href).href : location.href;

async function openIfReachable() {
  if (document.visibilityState === "hidden") return;
  try {
    const answer = await fetch(wanted, { cache: "no-store" });
    if (answer.status < SERVER_ERROR) location.replace(wanted);
  } catch {
    // Still out of reach: the next attempt follows.
  }
}

const language = chosenLanguage();
document.documentElement.lang = language;
for (const section of document.querySelectorAll("section")) section.hidden = section.lang !== language;
for (const button of document.querySelectorAll("button"))
  button.addEventListener("click", () => location.replace(wanted));
addEventListener("online", openIfReachable);
document.addEventListener("visibilitychange", openIfReachable);
setInterval(openIfReachable, RETRY_MS);
