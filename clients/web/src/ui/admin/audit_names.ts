/** The names of the acts of the audit, as `display_server/broker/audit/entry.py` stores them. */

import { type Language, language } from "../preferences.ts";

type Names = Readonly<Record<Language, string>>;

const NAMES: Readonly<Record<string, Names>> = {
  "sign-in": { en: "Sign-in", ko: "로그인" },
  "sign-out": { en: "Sign-out", ko: "로그아웃" },
  "sign-in-expired": { en: "Sign-in expired", ko: "로그인 만료" },
  "screen-locked": { en: "Screen locked", ko: "화면 잠금" },
  "screen-unlocked": { en: "Screen unlocked", ko: "화면 잠금 해제" },
  "password-confirmed": { en: "Password confirmed", ko: "비밀번호 확인" },
  "account-added": { en: "Account added", ko: "계정 추가" },
  "account-password-changed": { en: "Password changed", ko: "비밀번호 변경" },
  "account-disabled": { en: "Account disabled", ko: "계정 사용 중지" },
  "account-enabled": { en: "Account enabled", ko: "계정 사용 재개" },
  "account-deleted": { en: "Account deleted", ko: "계정 삭제" },
  "account-signed-out": { en: "Signed out by an administrator", ko: "관리자에 의한 로그아웃" },
  "left-directory": { en: "Left the directory", ko: "디렉터리에서 제외됨" },
  "second-factor-added": { en: "Second factor added", ko: "2단계 인증 추가" },
  "second-factor-renamed": { en: "Second factor renamed", ko: "2단계 인증 이름 변경" },
  "second-factor-removed": { en: "Second factor removed", ko: "2단계 인증 제거" },
  "second-factor-used": { en: "Second factor used", ko: "2단계 인증 사용" },
  "second-factor-reset": { en: "Second factor reset", ko: "2단계 인증 초기화" },
  "recovery-codes-made": { en: "Recovery codes made", ko: "복구 코드 발급" },
  "group-added": { en: "Group added", ko: "그룹 추가" },
  "group-deleted": { en: "Group deleted", ko: "그룹 삭제" },
  "group-member-added": { en: "Member added", ko: "구성원 추가" },
  "group-member-removed": { en: "Member removed", ko: "구성원 제거" },
  "group-nested": { en: "Group put into a group", ko: "그룹에 그룹 추가" },
  "group-unnested": { en: "Group taken out of a group", ko: "그룹에서 그룹 제거" },
  "directory-groups-replaced": { en: "Groups of the directory changed", ko: "디렉터리 그룹 변경" },
  "provider-groups-replaced": { en: "Groups of a provider changed", ko: "로그인 서비스 그룹 변경" },
  "entitlement-added": { en: "Entitlement added", ko: "사용 권한 추가" },
  "entitlement-removed": { en: "Entitlement removed", ko: "사용 권한 제거" },
  "role-given": { en: "Role given", ko: "역할 부여" },
  "role-taken": { en: "Role taken", ko: "역할 회수" },
  "break-glass-begun": { en: "Emergency access begun", ko: "긴급 사용 시작" },
  "break-glass-ended": { en: "Emergency access ended", ko: "긴급 사용 종료" },
  "device-code-made": { en: "Enrolment code made", ko: "기기 등록 코드 발급" },
  "device-enrolled": { en: "Device enrolled", ko: "기기 등록" },
  "device-changed": { en: "Device changed", ko: "기기 변경" },
  "device-revoked": { en: "Device revoked", ko: "기기 등록 취소" },
  "device-key-changed": { en: "Key of devices changed", ko: "기기 키 변경" },
  "badge-added": { en: "Badge added", ko: "사원증 추가" },
  "badge-revoked": { en: "Badge revoked", ko: "사원증 취소" },
  "badge-pin-set": { en: "PIN of a badge set", ko: "사원증 PIN 설정" },
  "badge-pin-reset": { en: "PIN of a badge reset", ko: "사원증 PIN 초기화" },
  "policy-set": { en: "Policy set", ko: "정책 설정" },
  "policy-removed": { en: "Policy removed", ko: "정책 제거" },
  "token-created": { en: "Token created", ko: "토큰 발급" },
  "token-revoked": { en: "Token revoked", ko: "토큰 회수" },
  "administration-refused": { en: "Administration refused", ko: "관리 거부됨" },
  "desktop-opened": { en: "Desktop opened", ko: "데스크톱 열림" },
  "desktop-ended": { en: "Desktop ended", ko: "데스크톱 종료" },
  "desktop-assigned": { en: "Desktop given", ko: "데스크톱 배정" },
  "desktop-released": { en: "Desktop taken away", ko: "데스크톱 회수" },
  "home-wiped": { en: "Home wiped", ko: "홈 폴더 삭제" },
  "desktop-taken-back": { en: "Desktop taken back", ko: "데스크톱 되가져옴" },
  "display-restarted": { en: "Display restarted", ko: "화면 다시 시작" },
  "message-sent": { en: "Message sent", ko: "메시지 전송" },
  "viewer-admitted": { en: "Window connected", ko: "창 연결" },
  "pool-changed": { en: "Pool changed", ko: "풀 변경" },
  "configuration-reloaded": { en: "Configuration reloaded", ko: "설정 다시 읽음" },
  "display-checked": { en: "Display checked", ko: "디스플레이 점검" },
  "audit-purged": { en: "Old entries deleted", ko: "오래된 기록 삭제" },
  "audit-lost": { en: "Entries lost", ko: "기록 유실" },
};

/** The acts that can be searched for. */
export const AUDIT_ACTIONS: readonly string[] = Object.keys(NAMES);

/** Returns the name of an act; the stored word where this page knows no name. */
export function auditActionName(action: string): string {
  return (Object.hasOwn(NAMES, action) ? NAMES[action]?.[language()] : undefined) ?? action;
}
