-- Who changed which setting, role or link, when, and what it was before. A secret is only "changed".
CREATE TABLE IF NOT EXISTS `booking_audit` (
  `id` BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  `tenant_id` BIGINT UNSIGNED NULL,
  `user_id` BIGINT UNSIGNED NULL,
  `user_name` VARCHAR(255) NOT NULL DEFAULT '',
  `action` VARCHAR(32) NOT NULL,
  `subject` VARCHAR(255) NOT NULL DEFAULT '',
  `old_value` TEXT NULL,
  `new_value` TEXT NULL,
  `created_at` DATETIME(6) NOT NULL,
  PRIMARY KEY (`id`),
  KEY `booking_audit_tenant_id_id_index` (`tenant_id`, `id`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
