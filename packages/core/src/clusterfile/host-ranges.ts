/** Addresses of a text like `10.0.0.1,10.0.0.4`, in its order. */
export const parseHostRanges = (text: string): string[] => text.split(',').map((part) => part.trim())
