/** What is said of a configuration that is refused (FORMAT.md sections 1 and 8): never content of a key or a salt. */

/** What can be wrong with a key and with a salt alike. */
type SecretFault = 'missing' | 'type' | 'empty' | 'text_as_bytes' | 'whitespace' | 'alphabet' | 'length';

/** What was wrong, for programs: one code for each case of FORMAT.md sections 1 and 8, and those of `rotate` (section 6). */
export type ConfigErrorCode =
  | 'config_type'
  | 'unknown_field'
  | `mode_${'missing' | 'type' | 'empty' | 'whitespace' | 'unknown' | 'not_offered'}`
  | `key_${SecretFault | 'prefix' | 'separators' | 'is_base64' | 'weak'}`
  | `salt_${SecretFault | 'is_hex' | 'url_alphabet' | 'padding' | 'trailing_bits'}`
  | `salt_${'all_zero' | 'equals_key' | 'not_allowed'}`
  | `key_id_${'type' | 'range' | 'not_allowed'}`
  | `context_${'type' | 'empty' | 'control' | 'surrogate' | 'length' | 'not_allowed'}`
  | `rotate_${'mode' | 'context' | 'key_id_live' | 'key_used' | 'too_many_keys' | 'not_supported'}`
  | `suite_${'missing' | 'type' | 'unknown' | 'not_offered'}`
  | `sdes_${'type' | 'syntax' | 'several_keys' | 'mki' | 'lifetime' | 'parameter' | 'base64' | 'length'}`
  | `dtls_${'type' | 'length'}`;

/** Thrown for a configuration that cannot be used; the message says what to do next and may be logged. */
export class ConfigError extends Error {
  /** `'ConfigError'`. */
  override readonly name = 'ConfigError';
  /** The field at fault; 'config' for the configuration as a whole. */
  readonly field: string;
  /** The fault, for programs. */
  readonly code: ConfigErrorCode;

  /** `field`: the field at fault; `message`: without content of keys and salts. */
  constructor(field: string, code: ConfigErrorCode, message: string) {
    super(message);
    this.field = field;
    this.code = code;
  }
}

/** @internal What a message says of a field whatever the fault. */
export interface Field {
  readonly name: string;
  readonly expected: string;
  readonly remedy: string;
}

/** @internal */
export function refusal(field: Field, code: ConfigErrorCode, arrived: string, hint = ''): ConfigError {
  const got = hint === '' ? arrived : `${arrived} (${hint})`;
  const message = `${field.name}: expected ${field.expected}; got ${got}. ${field.remedy}`;
  return new ConfigError(field.name, code, message);
}
