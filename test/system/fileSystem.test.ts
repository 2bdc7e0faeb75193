import { expect, test } from 'vitest';
import { fileSystemAt, isRemoteType, mountedAs } from '../../src/system/fileSystem.ts';

test('file systems of which events tell all, and those whose other machines stay silent', () => {
  const types = { ext4: 0xef53, xfs: 0x58465342, btrfs: 0x9123683e, tmpfs: 0x01021994, overlay: 0x794c7630 };
  for (const type of Object.values(types)) expect(isRemoteType(type)).toBe(false);
  for (const type of [0x6969, 0xff534d42, 0x65735546, 0x00c36400, 0x01021997])
    expect(isRemoteType(type)).toBe(true);
});

test('the innermost mount around a path counts, and of two at one place the later', () => {
  const table = [
    '22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw',
    '30 22 0:27 / /srv/with\\040space rw - nfs4 server:/export rw',
    '31 22 0:28 / /srv/runs rw - ext4 /dev/vdb rw',
    '32 31 0:29 / /srv/runs rw master:3 - fuse.sshfs host: rw',
  ].join('\n');
  expect(mountedAs(table, '/srv/with space/runs')).toBe('nfs4');
  expect(mountedAs(table, '/srv/runs/a')).toBe('fuse.sshfs');
  expect(mountedAs(table, '/srv/runs-2')).toBe('ext4');
  expect(mountedAs('', '/srv')).toBeNull();
});

test('the file system of this machine’s temporary folder has a name', async () => {
  const { name } = await fileSystemAt('/tmp');
  expect(name).toMatch(/^\w/);
});
