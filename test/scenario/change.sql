-- One row in a hundred changes, and a few are new: a day's work between a full and its incremental.
USE agama;
UPDATE orders SET status = 'returned' WHERE id % 100 = 42;
UPDATE customers SET credit_limit = credit_limit + 10, note = CONCAT('Called 📞 ', id) WHERE id % 100 = 7;
INSERT INTO orders (customer_id, placed_at, total) SELECT 1 + seq, '2026-11-01' + INTERVAL seq SECOND, seq / 3 FROM seq_1_to_650;
