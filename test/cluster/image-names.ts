/** The image of every pod's sandbox: it only sleeps. */
export const PAUSE_IMAGE = 'localhost/pause:1';

/** Busybox with a shell, for tests' pods. */
export const BUSYBOX_IMAGE = 'localhost/busybox:1';
