/** The part of the package ext2fs, which has no types of its own, that the boot loader uses. */
declare module 'ext2fs' {
  interface Ext2Disk {
    read(
      buffer: Buffer,
      bufferOffset: number,
      length: number,
      offset: number,
    ): Promise<{ bytesRead: number; buffer: Buffer }>
    write(
      buffer: Buffer,
      bufferOffset: number,
      length: number,
      offset: number,
    ): Promise<{ bytesWritten: number; buffer: Buffer }>
    flush(): Promise<void>
    discard(offset: number, length: number): Promise<void>
  }
  interface Ext2Stats {
    readonly size: number
    isFile(): boolean
  }
  interface Ext2File {
    readonly fd: number
    stat(): Promise<Ext2Stats>
    read(buffer: Buffer, offset: number, length: number, position: number): Promise<{ bytesRead: number }>
    close(): Promise<void>
  }
  interface Ext2Files {
    open(path: string, flags: number): Promise<Ext2File>
  }
  export function mount(disk: Ext2Disk, offset?: number): Promise<{ readonly promises: Ext2Files }>
}
