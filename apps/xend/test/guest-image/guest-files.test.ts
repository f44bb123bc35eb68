import { expect, test } from 'vitest'
import { guestFiles } from '../../src/guest-image/guest-files.ts'

const here = import.meta.filename

test('files of the user are taken as they are', async () => {
  expect(await guestFiles({ kernel: here, ramdisk: here })).toEqual({ kernel: here, ramdisk: here })
  expect(await guestFiles({ kernel: here })).toEqual({ kernel: here, ramdisk: undefined })
})

test('a file that is not there is named with its option', async () => {
  await expect(guestFiles({ kernel: '/nowhere/vmlinuz' })).rejects.toMatchObject({
    code: 'FILE_MISSING',
    message: '--kernel: there is no readable file /nowhere/vmlinuz',
  })
})

test('a ramdisk alone is refused', async () => {
  await expect(guestFiles({ ramdisk: here })).rejects.toMatchObject({ code: 'KERNEL_MISSING' })
})
