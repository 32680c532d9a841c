/** The images of the containers that the operator starts: the targets of the Dockerfile, with what each is for. */
export const images = {
  mysql: 'the containers that dump MySQL and MariaDB',
  influxdb: 'the containers that dump InfluxDB 1.x',
  git: 'the containers that copy git repositories',
  duplicity: 'the containers that ship with duplicity',
} as const;

export type ImageName = keyof typeof images;

export const imageNames = Object.keys(images) as ImageName[];

/** Where each image is pulled from. */
export type Images = Readonly<Record<ImageName, string>>;

/** The variable of the operator's environment that says where an image is pulled from. */
export const imageVariable = (name: ImageName) =>
  `HOLDFAST_IMAGE_${name.toUpperCase() as Uppercase<ImageName>}` as const;
