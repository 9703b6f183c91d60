import { describe, expect, it } from "vitest";
import { qrPath } from "../../src/ui/second_factor/qr_code.ts";
import { bytes, text } from "../../src/ui/second_factor/webauthn.ts";

describe("a QR code", () => {
  it("is drawn as runs of dark squares within a border of four", () => {
    expect(qrPath(["1101", "0000", "0001"])).toEqual({
      path: "M4 4h2v1h-2zM7 4h1v1h-1zM7 6h1v1h-1z",
      size: 11,
    });
  });
});

describe("base64url", () => {
  it("is written without padding and read again, whatever the bytes", () => {
    for (let length = 0; length < 40; length += 1) {
      const content = Uint8Array.from({ length }, (_, index) => (index * 37 + length * 251) % 256);
      const written = text(content.buffer);
      expect(written).toMatch(/^[\w-]*$/);
      expect(bytes(written)).toEqual(content);
    }
  });

  it("uses the two letters that URLs allow", () => {
    expect(text(Uint8Array.of(0xfb, 0xff, 0xfe).buffer)).toBe("-__-");
  });
});
