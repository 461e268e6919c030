-- What the codes hash to that hosts have printed on their consoles: one a start, each of them good at every host.
CREATE TABLE IF NOT EXISTS `booking_first_run_codes` (
  `code_hash` VARBINARY(32) NOT NULL,
  `created_at` DATETIME(6) NOT NULL,
  `expires_at` DATETIME(6) NOT NULL,
  PRIMARY KEY (`code_hash`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
