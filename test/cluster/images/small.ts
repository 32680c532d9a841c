import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BUSYBOX_IMAGE, PAUSE_IMAGE } from '../image-names.ts';
import { ensureDebianPackages, IMAGE_PACKAGES } from '../packages.ts';
import type { Progress } from '../progress.ts';
import { runBuild } from './run-build.ts';
import { findStore, imageId } from './store.ts';

/** Debian's statically linked busybox, from busybox-static. */
const BUSYBOX = '/bin/busybox';

const PAUSE = `FROM scratch
COPY busybox /bin/busybox
CMD ["/bin/busybox", "sleep", "2147483647"]
`;

const SHELL = `FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
CMD ["sh"]
`;

const ensureSmall = async (name: string, dockerfile: string, progress: Progress): Promise<void> => {
  const store = await findStore();
  await ensureDebianPackages(store === 'buildah' ? IMAGE_PACKAGES : ['busybox-static'], progress);
  if ((await imageId(name, store)) !== undefined) return;
  const context = await mkdtemp(join(tmpdir(), 'holdfast-image-'));
  try {
    await copyFile(BUSYBOX, join(context, 'busybox'));
    await writeFile(join(context, 'Dockerfile'), dockerfile);
    await progress.task(`Building image ${name}`, (detail) =>
      runBuild(store, { name, context, dockerfile: join(context, 'Dockerfile'), labels: {} }, detail),
    );
  } finally {
    await rm(context, { recursive: true, force: true });
  }
};

/** Makes the image of pods' sandboxes where there is none. */
export const ensurePauseImage = (progress: Progress): Promise<void> => ensureSmall(PAUSE_IMAGE, PAUSE, progress);

/** Makes a small image with a shell where there is none. */
export const ensureBusyboxImage = (progress: Progress): Promise<void> => ensureSmall(BUSYBOX_IMAGE, SHELL, progress);
