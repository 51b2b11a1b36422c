/** What a contract adds its tests to: a suite of uvu, or anything that takes a name and a function. */
export type Suite = (name: string, test: () => Promise<void>) => void
