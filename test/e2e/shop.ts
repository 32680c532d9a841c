import type { Ask } from './contents.ts';

/** A small database: foreign keys, a view, a trigger that must not fire when it comes back, and Estonian letters. */
export const shopDatabase = `
  DROP DATABASE IF EXISTS shop;
  DROP DATABASE IF EXISTS shop_copy;
  CREATE DATABASE shop CHARACTER SET utf8mb4;
  USE shop;
  CREATE TABLE customers (id INT PRIMARY KEY, name VARCHAR(100));
  CREATE TABLE orders (id INT PRIMARY KEY AUTO_INCREMENT, customer INT NOT NULL, note TEXT,
    FOREIGN KEY (customer) REFERENCES customers (id));
  CREATE TABLE changes (id INT PRIMARY KEY AUTO_INCREMENT, at DATETIME DEFAULT CURRENT_TIMESTAMP);
  CREATE VIEW busy AS SELECT customer, COUNT(*) AS orders FROM orders GROUP BY customer;
  CREATE TRIGGER noted AFTER INSERT ON orders FOR EACH ROW INSERT INTO changes () VALUES ();
  INSERT INTO customers SELECT seq, CONCAT('Õie ', seq) FROM seq_1_to_1000;
  INSERT INTO orders (customer, note) SELECT 1 + seq % 1000, REPEAT('ä', 50) FROM seq_1_to_20000;
  GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, EXECUTE ON shop.* TO holdfast@'%';`;

/** A table is dropped, and half of another's rows are changed. */
export const shopDamage = `
  USE shop;
  SET foreign_key_checks = 0;
  DROP TABLE orders;
  UPDATE customers SET name = 'gone' WHERE id % 2;`;

/** Names, checksums and definitions of what it holds under a name, asked without any of Holdfast's code. */
export const shopContents = async (ask: Ask, database = 'shop'): Promise<string> => {
  const text = await ask(`
    USE ${database};
    SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY 1;
    SELECT trigger_name, MD5(action_statement) FROM information_schema.triggers WHERE trigger_schema = DATABASE();
    CHECKSUM TABLE customers, orders, changes EXTENDED;
    SELECT COUNT(*), SUM(orders) FROM busy;`);
  return text.replaceAll(`${database}.`, 'shop.');
};
