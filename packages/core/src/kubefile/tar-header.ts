/** Whether bytes begin with the header of a tar: its checksum holds (POSIX.1-1988 ustar, also of older tars). */
export function isTarHeader(bytes: Buffer): boolean {
  if (bytes.length < 512) return false
  const written = Number.parseInt(bytes.toString('latin1', 148, 156).replaceAll(/[\0 ]+/g, ''), 8)
  let sum = 0
  for (let index = 0; index < 512; index++) sum += index >= 148 && index < 156 ? 0x20 : (bytes[index] ?? 0)
  return sum === written && bytes[0] !== 0
}
