/** discv5 theory, § Parameters, by the symbols spelled out. Tests pass smaller ones. */
export interface TopicParameters {
  /** `E`: how long an admitted advertisement is held, and the longest wait that is told. */
  readonly lifetimeMs: number
  /** `C`: advertisements held. */
  readonly capacity: number
  /** `P_occ`. */
  readonly occupancyExponent: number
  /** `G`: no wait is zero, so that nobody is admitted at the first attempt. */
  readonly safety: number
  /** `δ`: how long a ticket is good once its wait is over (decision 0032). */
  readonly windowMs: number
  /** `F_return`: advertisements in one answer. */
  readonly adsInAnswer: number
  /** `F_lookup`: advertisers that a lookup looks for, unless it is told otherwise. */
  readonly advertisersSought: number
  /** `K_lookup`: registrars of one bucket that a lookup asks. */
  readonly lookupsInBucket: number
  /** `K_register`: registrars of one bucket at which an advertisement is held or waits. */
  readonly registrationsInBucket: number
}

export const TOPIC_PARAMETERS: TopicParameters = {
  lifetimeMs: 15 * 60_000,
  capacity: 1000,
  occupancyExponent: 10,
  safety: 1e-7,
  windowMs: 10_000,
  adsInAnswer: 10,
  advertisersSought: 30,
  lookupsInBucket: 5,
  registrationsInBucket: 5,
}
