-- One row, id 1, from the first moment somebody was seen who can administer: there is no first run any
-- more, whatever becomes of that person. Its primary key is what makes "one first administrator" true.
CREATE TABLE IF NOT EXISTS `booking_first_run` (
  `id` TINYINT UNSIGNED NOT NULL,
  `closed_at` DATETIME(6) NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
