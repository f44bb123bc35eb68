import { describe, expect, it } from 'vitest'
import { decode, isFault, makeDecoder } from '../../src/decode/decoder.ts'
import { rows } from '../../src/insn/table.ts'
import { randomCases, randomNumbers, STRIDE } from './cases.ts'
import { textOf } from './our-text.ts'

const fromHex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))

function decodeHex(text: string, mode: 32 | 64, decoder = decode): string {
  const bytes = fromHex(text)
  const answer = decoder(bytes, 0, bytes.length, mode)
  return isFault(answer) ? answer.fault : textOf(answer)
}

describe('in 64-bit mode', () => {
  it.each([
    ['48 83 c0 ff', '4: add rax, #ffffffffffffffff', 'immediates are extended to the operation'],
    ['b8 ff ff ff ff', '5: mov eax, #ffffffff', 'mov of 4 bytes'],
    ['48 b8 88 77 66 55 44 33 22 11', '10: mov rax, #1122334455667788', 'mov of 8 bytes'],
    ['88 e0', '2: mov al, ah', 'high bytes without REX'],
    ['40 88 e0', '3: mov al, spl', 'low bytes with any REX'],
    ['48 66 01 c8', '4: add ax, cx', 'REX counts only before the opcode'],
    ['66 48 01 c8', '4: add rax, rcx', 'REX.W goes before 66'],
    ['8b 05 10 00 00 00', '6: mov eax, [none:rip+none+10]4', 'RIP-relative'],
    ['67 8b 05 f0 ff ff ff', '7: mov eax, [none:rip+none+fffffff0]4', 'EIP-relative'],
    ['8b 04 25 00 00 00 80', '7: mov eax, [none:none+none+ffffffff80000000]4', 'absolute, sign-extended'],
    ['65 48 8b 04 25 28 00 00 00', '9: mov rax, [gs:none+none+28]8', 'gs segment'],
    ['64 2e 8b 00', '4: mov eax, [fs:rax+none+0]4', 'null segment prefixes leave FS alone'],
    ['a1 88 77 66 55 44 33 22 11', '9: mov eax, [none:none+none+1122334455667788]4', '64-bit moffs'],
    ['67 a1 88 77 66 55', '6: mov eax, [none:none+none+55667788]4', '32-bit moffs'],
    ['50', '1: push rax', 'push is 64 bits wide'],
    ['66 50', '2: push ax', 'or 16'],
    ['68 ff ff ff ff', '5: push #ffffffffffffffff', 'push of an immediate extends it'],
    ['66 e9 00 01 00 00', '6: jmp +256', '66 does not narrow a near branch'],
    ['f3 c3', '2: ret ', 'rep ret'],
    ['f2 eb fe', '3: jmp +-2', 'bnd jmp'],
    ['f3 48 a5', '3: rep movsq ', 'rep movs'],
    ['f2 ae', '2: repne scasb ', 'repne scas'],
    ['f0 48 0f b1 0b', '5: lock cmpxchg [none:rbx+none+0]8, rcx', 'lock'],
    ['f0 01 c8', 'invalid', 'lock needs memory'],
    ['f0 39 08', 'invalid', 'lock needs a read-modify-write'],
    ['66 f2 0f 10 c1', '5: movsd xmm0, xmm1', 'F2 and F3 win over 66'],
    ['f2 f3 0f 10 c1', '5: movss xmm0, xmm1', 'the last of them counts'],
    ['90', '1: nop ', 'nop'],
    ['41 90', '2: xchg r8d, eax', 'xchg with r8'],
    ['f3 90', '2: pause ', 'pause'],
    ['f3 0f 1e fa', '4: endbr64 ', 'endbr64'],
    ['0f 1f 84 00 00 00 00 00', '8: nop [none:rax+rax*1+0]4', 'long nop'],
    ['c5 f8 77', 'invalid', 'VEX'],
    ['62 f1 7c 48 28 c1', 'invalid', 'EVEX'],
    ['8f e8 78 a2 c0 00', 'invalid', 'XOP'],
    ['06', 'invalid', '32-bit only'],
    ['0f 20 44', '3: mov rsp, cr0', 'control registers ignore modrm.mod'],
    ['0f 20 c8', 'invalid', 'cr1'],
    ['8e f8', 'invalid', 'segment register 7'],
  ])('%s is %s (%s)', (bytes, text) => {
    expect(decodeHex(bytes, 64)).toBe(text)
  })
})

describe('in compatibility mode', () => {
  it.each([
    ['40', '1: inc eax', '40 is not REX'],
    ['8b 05 10 00 00 00', '6: mov eax, [none:none+none+10]4', 'absolute'],
    ['67 8b 40 fe', '4: mov eax, [none:bx+si*1+fffe]4', '16-bit addressing'],
    ['67 8b 06 34 12', '5: mov eax, [none:none+none+1234]4', '16-bit absolute'],
    ['50', '1: push eax', 'push is 32 bits wide'],
    ['65 a1 14 00 00 00', '6: mov eax, [gs:none+none+14]4', 'gs segment'],
    ['65 2e 8b 00', '4: mov eax, [none:eax+none+0]4', 'the last segment prefix counts'],
    ['c4 00', '2: les eax, [none:eax+none+0]0', 'les'],
    ['c4 e2 79 00 c0', 'invalid', 'VEX'],
    ['66 e9 00 01', '4: jmp +256', '16-bit near branch'],
    ['ea 78 56 34 12 23 00', '7: jmp #12345678, #23', 'far jump'],
  ])('%s is %s (%s)', (bytes, text) => {
    expect(decodeHex(bytes, 32)).toBe(text)
  })
})

describe('the length of an instruction', () => {
  it('is 15 bytes at most', () => {
    expect(decodeHex(`${'66 '.repeat(14)}90`, 64)).toBe('15: nop ')
    expect(decodeHex(`${'66 '.repeat(15)}90`, 64)).toBe('toolong')
    expect(decodeHex(`${'66 '.repeat(12)} 81 c0 01 00`, 64)).toBe('toolong')
    expect(decodeHex('66 '.repeat(14), 64)).toBe('more')
  })

  it('does not reach beyond the bytes given: more are asked for, or the answer is the same', () => {
    const bytes = randomCases(11, 20_000)
    const random = randomNumbers(12)
    for (const mode of [64, 32] as const)
      for (let at = 0; at < bytes.length; at += STRIDE) {
        const whole = decode(bytes, at, at + STRIDE, mode)
        const given = random() % STRIDE
        const part = decode(bytes, at, at + given, mode)
        if (!isFault(whole) && whole.length > given) expect(part).toEqual({ fault: 'more' })
        else if (!isFault(part) || part.fault !== 'more') expect(part).toEqual(whole)
        else expect(isFault(whole)).toBe(true)
      }
  })
})

describe('a decoder for a CPU policy', () => {
  it('leaves out what is not offered, so that the encoding means what it meant before', () => {
    const old = makeDecoder(rows, () => false)
    expect(decodeHex('f3 0f bc c1', 64)).toBe('4: tzcnt eax, ecx')
    expect(decodeHex('f3 0f bc c1', 64, old)).toBe('4: bsf eax, ecx')
    expect(decodeHex('f3 0f b8 c1', 64)).toBe('4: popcnt eax, ecx')
    expect(decodeHex('f3 0f b8 c1', 64, old)).toBe('invalid')
  })
})
