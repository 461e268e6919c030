-- Who is signed in. The key is a hash of the cookie's token: a copy of this table opens nothing.
-- (VARBINARY, because base64 tells letter cases apart and the collation does not.)
CREATE TABLE IF NOT EXISTS `booking_sessions` (
  `token_hash` VARBINARY(64) NOT NULL,
  `user_id` BIGINT UNSIGNED NOT NULL,
  `data` BLOB NOT NULL,
  `address` VARCHAR(64) NOT NULL DEFAULT '',
  `agent` VARCHAR(255) NOT NULL DEFAULT '',
  `created_at` DATETIME(6) NOT NULL,
  `expires_at` DATETIME(6) NOT NULL,
  PRIMARY KEY (`token_hash`),
  KEY `booking_sessions_user_id_index` (`user_id`),
  KEY `booking_sessions_expires_at_index` (`expires_at`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
