/** A secret by reference, never by value: `env:NAME`, `file:PATH`, `prompt`, or `value:…` for what a user typed in spite of the warning. */
export type SecretRef = string & { readonly __secretRef?: never }

/** Reads secrets and hides them. One instance a run. */
export interface Secrets {
  /**
   * The secret's text; asked at most once per reference.
   * @throws SECRET_UNREADABLE
   */
  read(reference: SecretRef): Promise<string>
  /** Remembers a secret that was made during the run (a token), so that `mask` hides it. */
  remember(secret: string): void
  /** The one place that masks: every remembered secret in the text becomes `***`. */
  mask(text: string): string
}
