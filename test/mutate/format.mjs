/**
 * Rules of the format, by file: the rule that is broken; what stands there, once; and what is put in its place. A rule that takes
 * several places has several pairs.
 */
export const FORMAT_RULES = [
  {
    file: 'src/channel/keys.ts',
    mutations: [
      ['base key label', ' base key `, []', ' base-key `, []'],
      ['format version in the label', 'new Info(`frameseal/1 $', 'new Info(`frameseal/2 $'],
      ['mode in the base key label', '`frameseal/1 ${mode} base key `', '`frameseal/1 AES_128_GCM2 base key `'],
      ['fingerprint label', '`frameseal/1 ${mode} fingerprint`', '`frameseal/1 ${mode} finger print`'],
      ['fingerprint length and order', '.replace(/(....)(?=.)/g', '.replace(/(...)(?=.)/g'],
      ['frame key label', "'SFrame 1.0 Secret key '", "'SFrame 1.0 Secret Key '"],
      ['frame salt label', "'SFrame 1.0 Secret salt '", "'SFrame 1.0 Secret salt'"],
      ['order of the cipher suite', "Secret salt ', [id >>> 8, id & 0xff]", "Secret salt ', [id & 0xff, id >>> 8]"],
      ["number of AES-256's cipher suite", 'id: 5,', 'id: 4,'],
      ["number of AES-128's cipher suite", 'id: 4,', 'id: 3,'],
      ['block number of Expand', 'const BLOCK_ONE = 1;', 'const BLOCK_ONE = 0;'],
      ['salt and key exchanged in Extract', 'extract(hash, key, salt)', 'extract(hash, salt, key)'],
      ['halves of the KID exchanged', 'this.#kidAt, kidHigh)', 'this.#kidAt, kidLow)'],
      ['lower half of the KID', 'this.#kidAt + 4, kidLow)', 'this.#kidAt + 4, kidHigh)'],
      ['a base key without its own KID', '#baseKeyInfo.withKid(kidHigh, kidLow)', '#baseKeyInfo.withKid(kidHigh, 0)'],
      [
        'length of the empty salt',
        'hmac.create(hash, new Uint8Array(hashBytes))',
        'hmac.create(hash, new Uint8Array([1]))',
      ],
      ['counter in the nonce', 'load32(this.salt, 8) ^ low', 'load32(this.salt, 8) ^ (low + 1)'],
      ['upper half of the counter in the nonce', 'load32(this.salt, 4) ^ high', 'load32(this.salt, 4)'],
      ['salt in the nonce', 'nonceWords[0] = this.#saltWords[0]!;', 'nonceWords[0] = 0;'],
      ['salt in the middle of the nonce', 'nonceWords[1] = this.#saltWords[1]!;', 'nonceWords[1] = 0;'],
    ],
  },
  {
    file: 'src/channel/sm4.ts',
    mutations: [
      ['SM4 key label', "'frameseal/1 SM4_128_ECB key'", "'frameseal/1 SM4_128_ECB  key'"],
      ['SM4 fingerprint label', "'frameseal/1 SM4_128_ECB fingerprint'", "'frameseal/1 SM4_128_ECB fingerprints'"],
      ['SM4 keys of 16 bytes as they are', 'if (config.key.length === 16) {', 'if (config.key.length === 0) {'],
      ['empty input', 'if (frame.length === 0) return MALFORMED;', 'if (frame.length === 0) return BAD_TAG;'],
      [
        'room comes before blocks',
        'frame.room < frame.length) return NO_ROOM;',
        'frame.room < frame.length) return BAD_TAG;',
      ],
      ['where the payload begins', 'job.inputAt = headerLength;', 'job.inputAt = 0;'],
    ],
  },
  {
    file: 'src/channel/keyring.ts',
    mutations: [
      ['place of keyId in the KID', '(live.keyId << 28)', '(live.keyId << 27)'],
      ['own frames are refused', 'live.own.find(kidHigh, kidLow) >= 0;', 'live.own.find(kidHigh, kidLow) > 1e9;'],
    ],
  },
  {
    file: 'src/channel/sframe-sealing.ts',
    mutations: [
      ['metadata behind the SFrame header', '(frame, headerLength, sframeLength)', '(frame, headerLength, 0)'],
      ['exact room for the result', 'sframeLength + length + TAG_BYTES)', 'sframeLength + length + TAG_BYTES + 1)'],
      [
        'the SFrame header in the result',
        'job.headLength = headerLength + sframeLength;',
        'job.headLength = headerLength;',
      ],
      [
        'the clear header is not encrypted',
        'job.length = length - headerLength;',
        'job.length = length - headerLength - 1;',
      ],
    ],
  },
  {
    file: 'src/channel/sframe-opening.ts',
    mutations: [
      ['metadata behind the SFrame header', '(frame, headerLength, sframeLength)', '(frame, headerLength, 0)'],
      ['keyId are the upper four bits', 'find(kidHigh >>> 28)', 'find(kidHigh >>> 27)'],
      ['UNKNOWN_KEY', 'if (live === undefined) return UNKNOWN_KEY;', 'if (live === undefined) return BAD_TAG;'],
      ['replays are refused', 'if (replay < 0) return replay;', ''],
      ['the window moves', 'source!.window.accept(frame.counter);', ''],
      ['tags are checked', 'if (job.written < 0) return job.written === NO_MEMORY ? BUSY : BAD_TAG;', ''],
      ['room for a tag', 'if (textLength < 0) return MALFORMED;', 'if (textLength < 1) return MALFORMED;'],
      [
        'NO_ROOM comes before the tag',
        'headerLength + textLength) return NO_ROOM;',
        'headerLength + textLength) return BAD_TAG;',
      ],
      [
        'exact room for the result',
        'frame.room < headerLength + textLength',
        'frame.room <= headerLength + textLength',
      ],
    ],
  },
  {
    file: 'src/channel/layout.ts',
    mutations: [
      [
        'bindHeader false: one byte of metadata',
        'this.bindHeader ? end : sframeLength + 1',
        'this.bindHeader ? end : sframeLength',
      ],
      ['bindHeader true: the whole header', 'this.bindHeader ? end :', 'this.bindHeader ? at + 12 :'],
      ['bindHeader false: the P bit', 'if (!this.bindHeader) job.aad[sframeLength] = paddingBit(job.aad, at);', ''],
      ['no metadata in frame framing', "this.framing === 'frame' ? 0 : rtpHeaderLength", 'rtpHeaderLength'],
    ],
  },
  {
    file: 'src/channel/config.ts',
    mutations: [
      ['hex keys are hex', 'fromHex(text)', 'new TextEncoder().encode(text)'],
      ['an alias of a mode', "aliases: ['AES_256_GCM_2']", 'aliases: []'],
      ['letter case in the name of a mode', '? id.toLowerCase().replaceAll', '? id.replaceAll'],
      ['number of a mode', "name: 'AES_256_GCM2', number: 8", "name: 'AES_256_GCM2', number: 9"],
      ['keyId where it is left out', 'if (value === undefined) return 0;', 'if (value === undefined) return 1;'],
    ],
  },
  {
    file: 'src/replay.ts',
    mutations: [
      ['edge of the window', 'this.#highest - index >= this.size', 'this.#highest - index > this.size'],
      ['a replay is told from an old frame', '& 1 ? REPLAYED : 0', '& 1 ? TOO_OLD : 0'],
    ],
  },
  {
    file: 'src/wire/sframe.ts',
    mutations: [
      [
        'order of KID and CTR on the wire',
        'store32(out, at + 1, kidHigh);\n  store32(out, at + 5, kidLow);',
        'store32(out, at + 5, kidHigh);\n  store32(out, at + 1, kidLow);',
      ],
      ['X bit and K', '0xf0 | (bytes', '0x70 | (bytes'],
      ['CTR in the config byte up to 7', 'if (ctr < 8) return 0;', 'if (ctr < 7) return 0;'],
      ['steps of the CTR length', 'if (ctr < 0x10000) return 2;', 'if (ctr <= 0x10000) return 2;'],
      ['order of the CTR bytes', 'ctr >>> (8 * (bytes - 1 - i))', 'ctr >>> (8 * i)'],
      ['minimal lengths: small values', 'low >= 8', 'low >= 0'],
      ['minimal lengths: zero bytes', 'frame[at] !== 0', 'frame[at] !== 256'],
      ['largest CTR', 'if (this.#high >>> 0 >= CTR_HIGH_LIMIT) return MALFORMED;', ''],
      ['a header that is cut short', 'if (end - at < length) return MALFORMED;', ''],
      ['length of a KID', '((config >>> 4) & 7) + 1 : 0', '((config >>> 4) & 7) : 0'],
      ['length of a CTR', '(config & 7) + 1 : 0', '(config & 7) : 0'],
    ],
  },
  {
    file: 'src/wire/rtp.ts',
    mutations: [
      ['version 2', 'if (first >>> 6 !== 2) return NOT_RTP;', ''],
      ['empty input', 'if (length === 0) return MALFORMED;', 'if (length === 0) return NOT_RTP;'],
      ['RTCP payload types', 'second >= 192 && second <= 223', 'second >= 200 && second <= 204'],
      ['compound lengths add up', '? RTCP : NOT_RTP', '? RTCP : RTCP'],
      ['CSRCs belong to the header', '4 * (first & 15)', '4 * (first & 7)'],
      ['extensions belong to the header', '(first & 0x10) !== 0', '(first & 0x10) === 0x30'],
      ['length of an extension', 'header += 4 + 4 *', 'header += 4 *'],
      ['a header that is cut short', 'return length < header ? MALFORMED : header;', 'return header;'],
      ['the P bit is bound', '& 0x20;', '& 0x00;'],
    ],
  },
  {
    file: 'src/engine/pkcs7.ts',
    mutations: [
      [
        'a whole block of padding',
        'return (length & ~(BLOCK_BYTES - 1)) + BLOCK_BYTES;',
        'return (length + BLOCK_BYTES - 1) & ~(BLOCK_BYTES - 1);',
      ],
      ['what padding bytes say', 'memory[at + i] = padded - length;', 'memory[at + i] = padded - i;'],
      ['every padding byte is checked', 'i <= BLOCK_BYTES; i++', 'i < 2; i++'],
    ],
  },
  {
    file: 'src/engine/portable/gcm.ts',
    mutations: [
      ['counter of the tag', 'const TAG_COUNTER = 1;', 'const TAG_COUNTER = 0;'],
      ['first counter of the text', 'const FIRST_COUNTER = 2;', 'const FIRST_COUNTER = 3;'],
      ['lengths are in bits', ' | 0, aadLength << 3,', ' | 0, aadLength,'],
      ['AAD is authenticated', 'this.#ghash.update(job.aad, 0, job.aadLength);', ''],
    ],
  },
];
