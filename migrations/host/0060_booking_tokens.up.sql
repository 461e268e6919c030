-- What machines prove themselves with, each for one tenant. The key is a hash: a copy of this table opens nothing.
-- created_by is the person who made it, NULL for a command. Rows stay after their end, so that a name in a log can be told.
CREATE TABLE IF NOT EXISTS `booking_tokens` (
  `id` BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  `tenant_id` BIGINT UNSIGNED NOT NULL,
  `token_hash` VARBINARY(32) NOT NULL,
  `name` VARCHAR(100) NOT NULL,
  `scope` VARCHAR(16) NOT NULL,
  `created_by` BIGINT UNSIGNED NULL,
  `created_by_name` VARCHAR(255) NOT NULL DEFAULT '',
  `created_at` DATETIME(6) NOT NULL,
  `last_used_at` DATETIME(6) NULL,
  `expires_at` DATETIME(6) NULL,
  `revoked_at` DATETIME(6) NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `booking_tokens_token_hash_unique` (`token_hash`),
  KEY `booking_tokens_tenant_id_id_index` (`tenant_id`, `id`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
