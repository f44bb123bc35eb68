/** The sixteen conditions of Jcc, SETcc and CMOVcc, by the low nibble of the opcode (Intel SDM vol. 1, appendix B). */
export const CONDITIONS: readonly { readonly suffix: string; readonly reads: string }[] = [
  { suffix: 'o', reads: 'o' },
  { suffix: 'no', reads: 'o' },
  { suffix: 'b', reads: 'c' },
  { suffix: 'ae', reads: 'c' },
  { suffix: 'e', reads: 'z' },
  { suffix: 'ne', reads: 'z' },
  { suffix: 'be', reads: 'zc' },
  { suffix: 'a', reads: 'zc' },
  { suffix: 's', reads: 's' },
  { suffix: 'ns', reads: 's' },
  { suffix: 'p', reads: 'p' },
  { suffix: 'np', reads: 'p' },
  { suffix: 'l', reads: 'os' },
  { suffix: 'ge', reads: 'os' },
  { suffix: 'le', reads: 'osz' },
  { suffix: 'g', reads: 'osz' },
]
