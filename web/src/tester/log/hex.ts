// Bytes as a hex dump with ASCII beside it, and a short form for rows and clipboards.
const WIDTH = 16;
const encoder = new TextEncoder();

const DIGITS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Lines of 16 bytes: offset, hex in two groups of eight, ASCII (a dot for what is not printable). */
export function hexDump(bytes: Uint8Array, from = 0, length = bytes.length): string {
  const end = Math.min(bytes.length, from + length);
  const lines: string[] = [];
  for (let offset = from; offset < end; offset += WIDTH) {
    const line = bytes.subarray(offset, Math.min(end, offset + WIDTH));
    const digits = [...line].map((byte) => DIGITS[byte]);
    const left = digits.slice(0, 8).join(" ");
    const right = digits.slice(8).join(" ");
    lines.push(`${offset.toString(16).padStart(8, "0")}  ${left.padEnd(23)}  ${right.padEnd(23)}  ${ascii(line)}`);
  }
  return lines.join("\n");
}

/** As a narrow screen has room for: 8 bytes in a line. */
export function narrowHexDump(bytes: Uint8Array, from = 0, length = bytes.length): string {
  const end = Math.min(bytes.length, from + length);
  const lines: string[] = [];
  for (let offset = from; offset < end; offset += 8) {
    const line = bytes.subarray(offset, Math.min(end, offset + 8));
    lines.push(`${offset.toString(16).padStart(6, "0")} ${hexText(line).padEnd(23)} ${ascii(line)}`);
  }
  return lines.join("\n");
}

const ascii = (line: Uint8Array) => String.fromCharCode(...[...line].map((byte) => (byte >= 0x20 && byte < 0x7f ? byte : 0x2e)));

/** `01 ff 20`: all, or the first `most` bytes. */
export function hexText(bytes: Uint8Array, most = bytes.length): string {
  const digits: string[] = [];
  const end = Math.min(most, bytes.length);
  for (let index = 0; index < end; index += 1) {
    digits.push(DIGITS[bytes[index]!]!);
  }
  return digits.join(" ");
}

/** The payload of a row, whatever its kind. */
export const payload = (row: { text?: string; bytes?: Uint8Array }): Uint8Array => row.bytes ?? encoder.encode(row.text ?? "");
