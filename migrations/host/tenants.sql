CREATE TABLE `tenants` (
  `id` BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  `name` VARCHAR(255) NOT NULL,
  `bitrix24_domain` VARCHAR(255) NULL,
  `bitrix24_member_id` VARCHAR(255) NULL,
  `domain` VARCHAR(255) NULL,
  `database` VARCHAR(255) NULL,
  `subscription_status` ENUM('trial', 'active', 'blocked') NOT NULL DEFAULT 'trial',
  `trial_ends_at` TIMESTAMP NULL DEFAULT NULL,
  `subscription_ends_at` TIMESTAMP NULL DEFAULT NULL,
  `settings` JSON NULL,
  `created_at` TIMESTAMP NULL DEFAULT NULL,
  `updated_at` TIMESTAMP NULL DEFAULT NULL,
  `deleted_at` TIMESTAMP NULL DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `tenants_bitrix24_domain_unique` (`bitrix24_domain`),
  UNIQUE KEY `tenants_domain_unique` (`domain`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
