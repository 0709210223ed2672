/** The channels of a thread: one for both directions, or with a role one for each, so that nothing opens where it was sealed. */
import { type Channel, type EncryptionConfig, enableEncryption } from 'frameseal';
import type { ChannelModel } from './config/model.js';

/** A channel's model, and what its file holds. */
export interface ChannelPlan {
  readonly model: ChannelModel;
  readonly config: EncryptionConfig;
}

/** The configurations of what a channel seals and of what it opens: the same, or a context for each direction. */
export function directed({ model, config }: ChannelPlan): { seals: EncryptionConfig; opens: EncryptionConfig } {
  const context = model.context ?? config?.context;
  const of = (direction: string | undefined): EncryptionConfig => {
    const whole = direction === undefined ? context : context === undefined ? direction : `${context}/${direction}`;
    return whole === undefined ? config : { ...config, context: whole };
  };
  if (model.role === undefined) return { seals: of(undefined), opens: of(undefined) };
  return model.role === 'a' ? { seals: of('a>b'), opens: of('b>a') } : { seals: of('b>a'), opens: of('a>b') };
}

export interface RotationTimes {
  readonly sealAfterMs: number;
  readonly graceMs: number;
}

export class Keyset {
  readonly model: ChannelModel;
  readonly seals: Channel;
  readonly opens: Channel;

  /** Throws ConfigError for a configuration that is wrong. */
  constructor(plan: ChannelPlan) {
    const { model } = plan;
    const { rtcp, bindHeader, replayWindow, maxSenders } = model;
    const options = { rtcp, bindHeader, replayWindow, maxSenders };
    const { seals, opens } = directed(plan);
    this.model = model;
    this.seals = enableEncryption(seals, options);
    this.opens = model.role === undefined ? this.seals : enableEncryption(opens, options);
  }

  /** Opens with the new key at once, and seals with it later. Throws ConfigError where a channel does not take it. */
  rotate(config: EncryptionConfig, times: RotationTimes): void {
    const { seals, opens } = directed({ model: this.model, config });
    this.seals.rotate(seals, times);
    if (this.opens !== this.seals) this.opens.rotate(opens, times);
  }

  /** Holds exactly these keys from now on. Throws ConfigError where a channel does not take them. */
  hold(configs: readonly EncryptionConfig[], sealing: number): void {
    const each = configs.map((config) => directed({ model: this.model, config }));
    this.seals.holdKeys(
      each.map(({ seals }) => seals),
      sealing,
    );
    if (this.opens === this.seals) return;
    this.opens.holdKeys(
      each.map(({ opens }) => opens),
      sealing,
    );
  }

  close(): void {
    this.seals.close();
    this.opens.close();
  }
}

/** What makes two models different channels: all but where the key is and when it is exchanged. */
export function channelKey({
  file: _file,
  watch: _watch,
  sealAfterMs: _after,
  graceMs: _grace,
  ...rest
}: ChannelModel): string {
  return JSON.stringify(rest);
}
