-- The customer data of a small company: about 200,000 rows with what real databases have and toys lack (foreign keys, views,
-- triggers, a routine, an event, blobs, a sequence, emoji and umlauts). The same every time: it is computed, not random.
CREATE DATABASE IF NOT EXISTS agama CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
USE agama;

CREATE TABLE customers (
  id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name VARCHAR(120) NOT NULL,
  email VARCHAR(190) NOT NULL UNIQUE,
  country CHAR(2) NOT NULL,
  note TEXT NULL,
  credit_limit DECIMAL(10, 2) NOT NULL DEFAULT 0,
  created_at DATETIME(3) NOT NULL,
  updated_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP
);

CREATE TABLE orders (
  id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  customer_id INT UNSIGNED NOT NULL,
  placed_at DATETIME NOT NULL,
  status ENUM('new', 'paid', 'shipped', 'returned') NOT NULL DEFAULT 'new',
  total DECIMAL(12, 2) NOT NULL,
  weight_kg DOUBLE NULL,
  INDEX (customer_id, placed_at),
  FOREIGN KEY (customer_id) REFERENCES customers (id)
);

CREATE TABLE invoices (
  order_id INT UNSIGNED NOT NULL PRIMARY KEY,
  number CHAR(12) NOT NULL UNIQUE,
  document BLOB NOT NULL,
  FOREIGN KEY (order_id) REFERENCES orders (id)
);

CREATE TABLE order_history (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  order_id INT UNSIGNED NOT NULL,
  status VARCHAR(16) NOT NULL,
  changed_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE SEQUENCE ticket_numbers START WITH 1000 INCREMENT BY 1 NOCACHE;

INSERT INTO customers (name, email, country, note, credit_limit, created_at)
SELECT
  CONCAT(
    ELT(1 + seq % 12, 'Mari', 'Jüri', 'Élodie', 'Søren', 'Łukasz', 'Ayşe', 'Björn', 'Zoë', 'Nuño', 'Õnne', 'Ирина', '美咲'), ' ',
    ELT(1 + (seq DIV 12) % 12, 'Tamm', 'Saar', 'Dubois', 'Jensen', 'Kowalski', 'Yılmaz', 'Åkesson', 'O''Neill', 'Müller', 'Kask', 'Иванова', '佐藤')),
  CONCAT('customer', seq, '@example.com'),
  ELT(1 + seq % 8, 'EE', 'LV', 'LT', 'FI', 'SE', 'DE', 'PL', 'FR'),
  IF(seq % 7 = 0, NULL, CONCAT('Prefers ', ELT(1 + seq % 5, 'e-mail ✉️', 'phone ☎️', 'letters', 'no contact 🚫', 'visits 🚶'), '; ', MD5(seq))),
  (seq * 37) % 5000 + 0.25 * (seq % 4),
  '2019-01-01' + INTERVAL seq * 53 MINUTE
FROM seq_1_to_40000;

INSERT INTO orders (customer_id, placed_at, status, total, weight_kg)
SELECT
  1 + (seq * 7919) % 40000,
  '2021-01-01' + INTERVAL seq * 21 MINUTE,
  1 + seq % 4,
  ((seq * 104729) % 99999) / 100,
  IF(seq % 9 = 0, NULL, SQRT(seq) / 7)
FROM seq_1_to_130000;

INSERT INTO invoices (order_id, number, document)
SELECT seq * 4, CONCAT('A', LPAD(seq, 11, '0')), UNHEX(CONCAT(SHA2(seq, 512), SHA2(seq + 1, 512), '00FF27225C'))
FROM seq_1_to_30000;

CREATE VIEW open_orders AS
  SELECT o.id, c.name, o.total FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.status IN ('new', 'paid');
CREATE VIEW revenue_by_country AS
  SELECT c.country, COUNT(*) AS orders, SUM(o.total) AS revenue FROM orders o JOIN customers c ON c.id = o.customer_id GROUP BY c.country;

DELIMITER //
CREATE TRIGGER orders_status AFTER UPDATE ON orders FOR EACH ROW
BEGIN
  /* Every change of status is kept. */
  IF NEW.status <> OLD.status THEN
    INSERT INTO order_history (order_id, status) VALUES (NEW.id, NEW.status);
  END IF;
END//
CREATE FUNCTION customer_revenue(wanted INT UNSIGNED) RETURNS DECIMAL(14, 2) READS SQL DATA
BEGIN
  RETURN (SELECT COALESCE(SUM(total), 0) FROM orders WHERE customer_id = wanted);
END//
CREATE EVENT forget_history ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 03:00:00' DO
  DELETE FROM order_history WHERE changed_at < NOW() - INTERVAL 5 YEAR//
DELIMITER ;
