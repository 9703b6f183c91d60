/** Chooses the message for a request about the second factor that failed. */

import { BASE_PATH } from "../../base.ts";
import type { Failure } from "../../gateway/gateway_client.ts";
import { apiMessage } from "../api_message.ts";
import type { Message } from "../message.ts";
import { texts } from "../texts.ts";
import type { PasskeyFault } from "./webauthn.ts";

/** Returns what the page says after a request has failed. */
export function failureMessage(failure: Failure): Message {
  const { messages } = texts();
  if (failure.kind === "too-many") return messages.secondFactor.tooMany(failure.waitS);
  if (failure.kind === "unreachable") return messages.signIn.unreachable;
  if (failure.kind === "proxy") return messages.proxy[failure.fault](`${location.origin}${BASE_PATH}`);
  if (failure.kind === "wrong-password") return messages.secondFactor.wrongPassword;
  if (failure.kind === "server") return apiMessage(failure.code, failure.status);
  return messages.signIn.expired;
}

/** Returns what the page says when the browser made or used no passkey. */
export function passkeyMessage(fault: PasskeyFault): Message {
  return texts().messages.secondFactor.passkey[fault];
}
