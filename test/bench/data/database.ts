import type { MariadbServer } from '../../agent/support/mariadb.ts';

/** How many rows the tables have, so that the dump has about the size that was asked for. */
export interface Shape {
  customers: number;
  orders: number;
}

export const database = 'agama';

/** One customer with five orders takes so many bytes in a dump: measured, and only the size of the database hangs on it. */
const bytesACustomer = 988;
const ordersACustomer = 5;
const rowsAtOnce = 100_000;

/** The rows of a database whose dump has about so many megabytes. */
export const shapeFor = (megabytes: number): Shape => {
  const customers = Math.max(100, Math.round((megabytes * 1e6) / bytesACustomer / 100) * 100);
  return { customers, orders: customers * ordersACustomer };
};

const schemaOf = (database: string): string[] => [
  `CREATE DATABASE ${database} CHARACTER SET utf8mb4`,
  `USE ${database}`,
  `CREATE TABLE ${database}.customers (id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(120) NOT NULL,
    email VARCHAR(190) NOT NULL, street VARCHAR(120) NOT NULL, country CHAR(2) NOT NULL, note TEXT NULL,
    credit_limit DECIMAL(10, 2) NOT NULL, created_at DATETIME(3) NOT NULL, session CHAR(32) NOT NULL)`,
  `CREATE TABLE ${database}.orders (id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, customer_id INT UNSIGNED NOT NULL,
    placed_at DATETIME NOT NULL, status ENUM('new', 'paid', 'shipped', 'returned') NOT NULL, total DECIMAL(12, 2) NOT NULL,
    weight_kg DOUBLE NULL, article VARCHAR(120) NOT NULL, remark VARCHAR(200) NULL, tracking CHAR(20) NOT NULL)`,
];

// Computed, so that every run has the same rows: words and numbers as people have them, beside what does not compress.
const customerRows = (database: string, from: number, to: number): string => `
INSERT INTO ${database}.customers (name, email, street, country, note, credit_limit, created_at, session)
SELECT
  CONCAT(ELT(1 + seq % 12, 'Mari', 'Jüri', 'Élodie', 'Søren', 'Łukasz', 'Ayşe', 'Björn', 'Zoë', 'Nuño', 'Õnne', 'Ирина', '美咲'), ' ',
    ELT(1 + (seq DIV 12) % 12, 'Tamm', 'Saar', 'Dubois', 'Jensen', 'Kowalski', 'Yılmaz', 'Åkesson', 'O''Neill', 'Müller', 'Kask', 'Иванова', '佐藤')),
  CONCAT('customer', seq, '@', ELT(1 + seq % 5, 'example.com', 'example.org', 'mail.example', 'post.example', 'shop.example')),
  CONCAT(ELT(1 + CRC32(seq) % 8, 'Pikk', 'Lai', 'Narva mnt', 'Tartu mnt', 'Rue de la Paix', 'Hauptstraße', 'Mannerheimintie', 'Elm Street'),
    ' ', 1 + CRC32(seq + 1) % 250, '-', 1 + CRC32(seq + 2) % 90),
  ELT(1 + seq % 8, 'EE', 'LV', 'LT', 'FI', 'SE', 'DE', 'PL', 'FR'),
  IF(seq % 7 = 0, NULL, CONCAT('Prefers ', ELT(1 + seq % 5, 'e-mail', 'the telephone', 'letters', 'no contact', 'visits'), '; asked on day ',
    CRC32(seq + 3) % 3000, ' about ', ELT(1 + CRC32(seq + 4) % 6, 'an invoice', 'a parcel that was late', 'the warranty', 'a discount',
    'opening hours', 'a wrong address'), ', answered by ', ELT(1 + CRC32(seq + 5) % 5, 'Anna', 'Peeter', 'Kristjan', 'Liis', 'Toomas'))),
  (seq * 37) % 5000 + 0.25 * (seq % 4),
  '2019-01-01' + INTERVAL CRC32(seq + 6) % 200000000 SECOND,
  MD5(seq)
FROM seq_${from}_to_${to}`;

const orderRows = (database: string, from: number, to: number, customers: number): string => `
INSERT INTO ${database}.orders (customer_id, placed_at, status, total, weight_kg, article, remark, tracking)
SELECT
  1 + CRC32(seq) % ${customers},
  '2021-01-01' + INTERVAL seq * 7 + CRC32(seq + 1) % 400 SECOND,
  1 + CRC32(seq + 2) % 4,
  (CRC32(seq + 3) % 9999900) / 100,
  IF(seq % 9 = 0, NULL, SQRT(CRC32(seq + 4)) / 7),
  CONCAT(ELT(1 + CRC32(seq + 5) % 8, 'Table lamp', 'Office chair', 'Bookshelf', 'Kettle', 'Wool blanket', 'Bicycle bell', 'Garden hose', 'Desk'),
    ', ', ELT(1 + CRC32(seq + 6) % 6, 'black', 'white', 'oak', 'red', 'steel', 'dark blue'), ', no. ', CRC32(seq + 7) % 90000),
  IF(seq % 3 = 0, NULL, CONCAT('Deliver ', ELT(1 + CRC32(seq + 8) % 4, 'to the neighbour', 'in the evening', 'to the back door', 'with a call'),
    ' before ', DATE('2021-01-01' + INTERVAL seq * 7 SECOND))),
  CONCAT('EE', LPAD(CRC32(seq + 9), 10, '0'), LPAD(CRC32(seq + 10) % 100000000, 8, '0'))
FROM seq_${from}_to_${to}`;

const inParts = async (
  from: number,
  to: number,
  insert: (from: number, to: number) => Promise<unknown>,
): Promise<void> => {
  for (let first = from; first <= to; first += rowsAtOnce) await insert(first, Math.min(to, first + rowsAtOnce - 1));
};

/** Makes a database with its rows, which are the same in every one. */
export const fill = ({ admin }: MariadbServer, { customers, orders }: Shape, name = database): Promise<void> =>
  admin(async (connection) => {
    for (const statement of schemaOf(name)) await connection.query(statement);
    await inParts(1, customers, (from, to) => connection.query(customerRows(name, from, to)));
    await inParts(1, orders, (from, to) => connection.query(orderRows(name, from, to, customers)));
  });

/** What a day adds: half a row in a hundred. */
export const addedADay = ({ customers, orders }: Shape): Shape => ({
  customers: Math.ceil(customers / 1000),
  orders: Math.ceil((orders * 6) / 1000),
});

/** One day of business: one row in a hundred of each table is changed, and some are added. */
export const passDay = ({ admin }: MariadbServer, shape: Shape, day: number): Promise<void> =>
  admin(async (connection) => {
    const added = addedADay(shape);
    const from = {
      customers: shape.customers + (day - 1) * added.customers,
      orders: shape.orders + (day - 1) * added.orders,
    };
    // The engine of sequences asks for a database of the connection.
    await connection.query(`USE ${database}`);
    await connection.query(
      `UPDATE ${database}.customers SET note = CONCAT('Asked on working day ', ${day}, ' about order ', CRC32(id + ${day})),
        credit_limit = credit_limit + ${day} WHERE id % 100 = ${day % 100}`,
    );
    await connection.query(
      `UPDATE ${database}.orders SET status = 1 + (status + 1) % 4, total = total + ${day} WHERE id % 100 = ${day % 100}`,
    );
    await connection.query(customerRows(database, from.customers + 1, from.customers + added.customers));
    await connection.query(orderRows(database, from.orders + 1, from.orders + added.orders, shape.customers));
  });
