-- One row, id 1: a known value sealed with the key in use, so that a wrong key is refused
-- instead of producing garbage.
CREATE TABLE IF NOT EXISTS `booking_keys` (
  `id` TINYINT UNSIGNED NOT NULL,
  `check_value` VARBINARY(255) NOT NULL,
  `created_at` DATETIME(6) NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
