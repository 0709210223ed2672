/** The part of sm-crypto that tests and the bench use: SM4-ECB on arrays of bytes. */
declare module 'sm-crypto' {
  interface Sm4Options {
    readonly padding?: 'pkcs#7' | 'none';
    readonly output: 'array';
  }
  interface Sm4 {
    encrypt(input: ArrayLike<number>, key: ArrayLike<number>, options: Sm4Options): number[];
    decrypt(input: ArrayLike<number>, key: ArrayLike<number>, options: Sm4Options): number[];
  }
  const sm: { readonly sm4: Sm4 };
  export default sm;
}
