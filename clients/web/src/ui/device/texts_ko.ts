/** The texts about enrolled devices in Korean. */

import type { DeviceTexts, englishDeviceMessages } from "./texts.ts";

export const koreanDevice: DeviceTexts = {
  title: "이 기기 등록",
  hint: "관리자 전용입니다. 코드에는 이 기기의 이름과 위치가 들어 있습니다. 해지할 때까지 등록된 상태로 유지됩니다.",
  code: "일회용 코드",
  submit: "등록",
  busy: "등록하는 중…",
  done: (name, place) => `이 기기는 이제 ${name}(${place})입니다.`,
  present: (name, place) => `현재 ${name}(${place})(으)로 등록되어 있습니다. 새 코드를 입력하면 다시 등록됩니다.`,
  goOn: "로그인 화면으로 이동",
  here: (name, place) => `${name} · ${place}`,
};

export const koreanDeviceMessages: typeof englishDeviceMessages = {
  missing: {
    what: "이 기기는 아직 등록되지 않았습니다.",
    why: "코드가 없습니다.",
    next: "관리자가 만든 코드를 입력하세요.",
  },
};
