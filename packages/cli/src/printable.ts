/** Text of hosts, images and registries without what could steer a terminal: control characters but line ends and tabs. */
export const printable = (text: string): string => text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '')
