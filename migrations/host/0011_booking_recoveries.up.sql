-- One-time links: at most one a person. email is the address the link was sent to; a change of address ends it.
CREATE TABLE IF NOT EXISTS `booking_recoveries` (
  `user_id` BIGINT UNSIGNED NOT NULL,
  `token_hash` VARBINARY(32) NOT NULL,
  `email` VARCHAR(255) NOT NULL,
  `created_at` DATETIME(6) NOT NULL,
  `expires_at` DATETIME(6) NOT NULL,
  PRIMARY KEY (`user_id`),
  UNIQUE KEY `booking_recoveries_token_hash_unique` (`token_hash`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
