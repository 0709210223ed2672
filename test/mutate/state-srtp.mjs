/** SRTP: nonces, indices, streams, the order of a receiver, and keys; judged by unit tests. Shape: format.mjs. */
const CONTRACT = 'test/srtp/contract.test.ts';
const ESTIMATE = 'test/srtp/estimate.test.ts';
const STREAMS = 'test/srtp/streams.test.ts';
const BATCH = 'test/srtp/batch.test.ts';
const DERIVATION = 'test/srtp/derivation.test.ts';
const KEYS = 'test/srtp/keys.test.ts';

export const SRTP_RULES = [
  {
    file: 'src/srtp/session.ts',
    tests: [DERIVATION, STREAMS, CONTRACT],
    mutations: [
      ['label of the salt of SRTP', 'SRTP_LABELS = { key: 0, salt: 2 }', 'SRTP_LABELS = { key: 0, salt: 1 }'],
      ['label of the key of SRTCP', 'SRTCP_LABELS = { key: 3, salt: 5 }', 'SRTCP_LABELS = { key: 0, salt: 5 }'],
      ['label of the salt of SRTCP', 'SRTCP_LABELS = { key: 3, salt: 5 }', 'SRTCP_LABELS = { key: 3, salt: 4 }'],
      ['place of the label', 'LABEL_AT = 7', 'LABEL_AT = 6'],
      ['counter of the PRF', 'x[BLOCK_BYTES - 1] = at / BLOCK_BYTES;', ''],
      ['the upper half of the SSRC', 'salt[0]! ^ (ssrc >>> 16)', 'salt[0]!'],
      ['the lower half of the SSRC', ' ^ (ssrc << 16)', ''],
      ['the upper half of the ROC', ' ^ (index / TWO_TO_32)', ''],
      ['the index in the nonce', 'salt[2]! ^ index', 'salt[2]!'],
      ['the salt in the nonce', 'salt[1]! ^ (ssrc', '0 ^ (ssrc'],
      ['derived keys are left', '    derived.key.fill(0);\n', ''],
      ['the master key is left', '    master.wipe();\n', ''],
      ['wipe leaves the key', '    this.key.wipe();\n', ''],
    ],
  },
  {
    file: 'src/srtp/endpoint.ts',
    tests: [DERIVATION],
    mutations: [
      ['an exception leaves keys', '    thoroughly(made, (session) => session.wipe());\n', ''],
      ['the copy of the master key is left', '    master.key.fill(0);\n', ''],
      ['close leaves RTCP', 'thoroughly([this.rtp, this.rtcp]', 'thoroughly([this.rtp]'],
    ],
  },
  {
    file: 'src/srtp/streams.ts',
    tests: [ESTIMATE, STREAMS, BATCH],
    mutations: [
      ['sequences do not wrap forwards', 'newest - TWO_TO_15 > sequence ? near + TWO_TO_16 : near', 'near'],
      ['sequences do not wrap backwards', '? near - TWO_TO_16 : near;', '? near : near;'],
      ['there is something below ROC 0', ' && near >= TWO_TO_16', ''],
      ['2^15 above is a wrap', 'sequence - newest > TWO_TO_15', 'sequence - newest >= TWO_TO_15'],
      ['2^15 below is a wrap', 'newest - TWO_TO_15 > sequence', 'newest - TWO_TO_15 >= sequence'],
      ['setRoc is not heard', 'if (this.roc !== NONE) return this.roc * TWO_TO_16 + sequence;', ''],
      [
        'setRoc holds for good',
        '    this.window.accept(index);\n    this.roc = NONE;',
        '    this.window.accept(index);',
      ],
      [
        'a record keeps the ROC of the one before',
        '    this.roc = NONE;\n  }\n\n  /** The index',
        '  }\n\n  /** The index',
      ],
      ['a record keeps the window of the one before', '    this.window.reset(highest + 1);\n', ''],
      ['a stream that comes back opens what it sent', 'this.window.reset(highest + 1);', 'this.window.reset();'],
      ['a stream that comes back has no ROC', '    if (highest >= 0) this.window.accept(highest);\n', ''],
      [
        'no record of evicted streams',
        'if (highest >= 0) this.#evicted.keep(',
        'if (highest < -1) this.#evicted.keep(',
      ],
      ['streams without end', 'while (this.size > this.#limit)', 'while (false)'],
      ['a sender has streams without end', '    if (this.size >= this.#limit) return undefined;\n', ''],
      [
        'an authenticated packet is not the newest',
        'if (slot >= 0) this.#ssrcs.touch(slot);',
        'if (slot >= 0) return;',
      ],
      [
        'two slots keep one record',
        '    this.#spare = this.#streams[slot];\n    this.#streams[slot] = stream;\n    this.#ssrcs.insert(0, ssrc);\n',
        '    const displaced = this.#streams[slot];\n    this.#streams[slot] = stream;\n    this.#ssrcs.insert(0, ssrc);\n    this.#spare = displaced;\n',
      ],
    ],
  },
  {
    file: 'src/srtp/packets.ts',
    tests: [CONTRACT, STREAMS],
    mutations: [
      ['RTP without room for the tag', 'if (room < length + TAG_BYTES) return NO_ROOM;', ''],
      ['SRTP without a tag', 'if (length - headerLength < TAG_BYTES) return MALFORMED;', ''],
      ['SRTP without room', 'if (room < length - TAG_BYTES) return NO_ROOM;', ''],
      ['RTCP without room for word and tag', 'if (room < length + RTCP.overhead) return NO_ROOM;', ''],
      ['SRTCP without a tag', 'if (plainLength < headerLength) return MALFORMED;', ''],
      ['SRTCP without room', 'if (room < plainLength) return NO_ROOM;', ''],
      ['E is not looked at', '(word & ENCRYPTED) !== 0 ? headerLength : plainLength', 'headerLength'],
      ['E is part of the index', 'word & MAX_SRTCP_INDEX', 'word'],
      [
        'the word is no AAD',
        'takeClear(packet, clearLength, clearLength + ESRTCP_BYTES)',
        'takeClear(packet, clearLength, clearLength)',
      ],
      ['E is not sent', 'store32(job.tail, 0, ENCRYPTED | index);', 'store32(job.tail, 0, index);'],
      ['RTCP indices begin at 1', 'stream.window.highest + 1', 'stream.window.highest + 2'],
      ['2^48 packets', 'limit: 2 ** 48', 'limit: 2 ** 49'],
      ['2^31 packets', 'limit: MAX_SRTCP_INDEX + 1', 'limit: MAX_SRTCP_INDEX'],
    ],
  },
  {
    file: 'src/srtp/protecting.ts',
    tests: [ESTIMATE, STREAMS, BATCH, DERIVATION],
    mutations: [
      ['an index may be used twice', '    if (replay < 0) return replay;\n', ''],
      ['an index is not used up', '    stream.accept(index);\n', ''],
      [
        'an index is used after its packet',
        '    stream.accept(index);\n',
        '    frame.source = stream;\n    frame.counter = index;\n',
        'finish({ job }: Frame<Stream>): number {\n',
        'finish(frame: Frame<Stream>): number {\n    const { job } = frame;\n    frame.source!.accept(frame.counter);\n',
      ],
      ['packets are not counted', '    this.#packets[0]!++;\n', ''],
      ['a key has no end', 'if (this.#packets[0]! >= kind.limit) return EXHAUSTED;', ''],
      ['indices have no end', '    if (index >= kind.limit) return EXHAUSTED;\n', ''],
    ],
  },
  {
    file: 'src/srtp/unprotecting.ts',
    tests: [ESTIMATE, STREAMS, BATCH],
    mutations: [
      [
        'the window moves before the tag is checked',
        '    if (replay < 0) return replay;\n',
        '    if (replay < 0) return replay;\n    stream.accept(index);\n',
      ],
      ['a copy opens again', '    source!.accept(counter);\n', ''],
      [
        'a forged packet moves the window',
        '    if (job.written < 0) return',
        '    source!.accept(counter);\n    if (job.written < 0) return',
      ],
      [
        'a forged packet makes a stream',
        '    if (job.written < 0) return',
        '    this.#streams.authenticated(idLow);\n    if (job.written < 0) return',
      ],
      ['a genuine packet makes no stream', '    this.#streams.authenticated(idLow);\n', ''],
      ['an unknown stream does not wait', '      if (waiting > 0) return AFTER_OTHERS;\n', ''],
      ['older packets do not wait', 'index <= stream.newest || ', ''],
      ['jumps of 2^15 do not wait', ' || index - stream.window.highest >= SAME_ESTIMATE', ''],
      ['packets wait for groups that are over', 'if (waiting === 0) this.#group = (this.#group + 1) | 0;', ''],
      ['a stream does not note its group', '    stream.group = this.#group;\n', ''],
      ['a stream does not note its newest packet', '    stream.newest = index;\n', ''],
      ['a key has no end', 'return waiting > 0 ? AFTER_OTHERS : EXHAUSTED;', 'return waiting > 0 ? AFTER_OTHERS : 0;'],
      [
        'packets that wait are not counted',
        'this.#packets[0]! + waiting >= kind.limit',
        'this.#packets[0]! >= kind.limit',
      ],
      ['indices have no end', '    if (index >= kind.limit) return EXHAUSTED;\n', ''],
      ['streams are not evicted', '    this.#streams.trim();\n', ''],
    ],
  },
  {
    file: 'src/srtp/keys.ts',
    tests: [KEYS],
    mutations: [
      ['zeros are a key', 'if (copy.every((byte) => byte === 0))', 'if (false)'],
      ['text is a key', 'if (bytes === TEXT_BYTES && copy.every(isHexDigit))', 'if (false)'],
      ['any length is a key', '  if (lengthOf(value) !== bytes) throw', '  if (false) throw'],
      [
        'the array is kept',
        '  copyInto(copy, value, 0);\n',
        '  copyInto(copy, value, 0);\n  if (copy[0] !== 256) return value;\n',
      ],
      ['any name is shown', 'if (!SUITE_NAME.test(suite)) throw', 'if (false) throw'],
    ],
  },
  {
    file: 'src/srtp/sdes.ts',
    tests: [KEYS],
    mutations: [
      ['an MKI is ignored', "if ([lifetime, ...more].some((part) => part?.includes(':')))", 'if (false)'],
      ['session parameters are ignored', 'if (stray !== undefined)', 'if (false)'],
      ['a second key is ignored', "if (parameters.includes(';'))", 'if (false)'],
      ['any length is key and salt', 'if (bytes.length !== keyBytes + SALT_BYTES)', 'if (false)'],
      ['any parameter is shown', '?? `of ${stray.length} characters`', '?? stray'],
    ],
  },
  {
    file: 'src/srtp/dtls.ts',
    tests: [KEYS],
    mutations: [
      ['the server has the key of the client', 'split(copy, keyBytes, 2', 'split(copy, 0, 2'],
      ['the server has the salt of the client', '2 * keyBytes + SALT_BYTES, keyBytes', '2 * keyBytes, keyBytes'],
    ],
  },
  {
    file: 'src/frames/evicted.ts',
    tests: [STREAMS, 'test/frames/evicted.test.ts'],
    mutations: [
      ['sources without end', 'if (ids.size === MOST) ids.remove(ids.oldest);', ''],
      ['a source is kept twice', 'if (before < 0) ids.insert(idHigh, idLow);', 'ids.insert(idHigh, idLow);'],
      ['a stream that returns stays', 'if (slot >= 0) this.#ids.remove(slot);', ''],
      ['growing loses what there was', '      larger.set(this.#highest);\n', ''],
    ],
  },
];
